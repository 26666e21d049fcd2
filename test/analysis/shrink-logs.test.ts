import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp } from './small-exp.js'

const stamp = '2026-01-01 00:00:00.000'
const epoch = (run: string, e: number) =>
  `${stamp} ${run}: epoch ${e}/250 loss 0.1 val_loss 0.2 0.1 s 9 samples/s`

/** Lines without their stamps. */
const short = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map(line => line.replace(`${stamp} `, ''))

t.test('training lines are thinned, all others stay, logs are not touched', async t => {
  const folder = t.testdir({})
  const exp = await makeSmallExp(folder, [])
  const log = [
    `${stamp} rank 1 on here, process 1, leader epoch 1`,
    `${stamp} A attempt 1 begins`,
    // two RUNs of one agent, their lines mixed
    ...Array.from({ length: 250 }, (_, e) => [epoch('A', e + 1), epoch('B', e + 1)]).flat(),
    `${stamp} B attempt 1: crashed: SIGSEGV`,
    '',
    `${stamp} B attempt 1: crashed: SIGSEGV`,
    epoch('B', 1),
  ]
  const keras =
    '1/9 [>...] - ETA: 0s\r2/9 [=>..] - ETA: 0s\b\b\r9/9 [====] - 1s - loss: 1 - val_loss: 2'
  const file = (name: string) => join(exp.path, 'out', name)
  fs.writeFileSync(file('out-001.txt'), `${log.join('\n')}\n`)
  fs.writeFileSync(file('out-002.txt'), Array.from({ length: 5 }, () => keras).join('\n'))
  fs.writeFileSync(file('other.txt'), 'x')
  const heds = () => upfHeds(['shrink-logs', 'EXP001'], folder, { CANDLE_DATA_DIR: '.' })
  const { status, stdout } = heds()
  t.equal(status, 0)
  t.match(
    stdout,
    /^shrank: +\d+\.\d\d KB -> +\d\.\d\d KB {2}summary-001\.txt\nshrank: .*002\.txt\n$/,
  )
  t.equal(fs.readFileSync(file('out-001.txt'), 'utf8'), `${log.join('\n')}\n`)
  const kept = [1, 2, 3, 103, 203, 248, 249, 250]
  t.same(short(fs.readFileSync(file('summary-001.txt'), 'utf8')), [
    'rank 1 on here, process 1, leader epoch 1',
    'A attempt 1 begins',
    ...kept.flatMap(e => [epoch('A', e), epoch('B', e)].map(line => line.slice(24))),
    'B attempt 1: crashed: SIGSEGV',
    epoch('B', 1).slice(24),
    '(484 training lines left out of out-001.txt)',
  ])
  const bars = fs.readFileSync(file('summary-002.txt'), 'utf8')
  t.equal(bars.match(/val_loss: 2/g)?.length, 5, 'the scores of each epoch')
  t.equal(heds().stdout, 'skipping:  summary-001.txt\nskipping:  summary-002.txt\n')
  const later = new Date(Date.now() + 60_000)
  fs.utimesSync(file('out-001.txt'), later, later)
  t.match(heds().stdout, /^shrank: .*001.txt\nskipping: {2}summary-002/)
  const names = fs.readdirSync(join(exp.path, 'out')).sort()
  t.same(names, ['other.txt', 'out-001.txt', 'out-002.txt', 'summary-001.txt', 'summary-002.txt'])
  t.equal(
    (
      JSON.parse(
        upfHeds(['progress', 'EXP001', '--json'], folder, { CANDLE_DATA_DIR: '.' }).stdout,
      ) as { outs: number }
    ).outs,
    2,
    'a summary is no log more',
  )
})
