import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tarHeader } from '../../src/base/tar.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, REPORTS } from './small-exp.js'

const LONG = 'R'.repeat(64)

async function makeExp(folder: string) {
  const test = [['ACH-1', 0.25, 0.5]] as const
  const exp = await makeSmallExp(folder, [
    { id: LONG, resolved: { index: 0, drug: 'A' }, test },
    { id: 'lock', resolved: { index: 1, drug: 'B' }, test },
  ])
  const at = (name: string) => join(exp.path, name)
  fs.writeFileSync(at('.engine/keys.json'), 'secret')
  fs.writeFileSync(at('.engine/rendezvous.json'), '{}')
  fs.mkdirSync(at('run/lock/ckpts/epochs/001'), { recursive: true })
  fs.writeFileSync(at('run/lock/ckpts/epochs/001/model.h5'), 'large')
  fs.writeFileSync(at('run/lock/.history.txt.1.ab'), 'half written')
  fs.writeFileSync(at('out/out-001.txt'), '2026-01-01 00:00:00.000 lock attempt 1 begins\n')
  return exp
}

t.test('what is exported is a whole EXP without secrets, checkpoints and half files', async t => {
  const folder = t.testdir({ there: {} })
  const exp = await makeExp(folder)
  const heds = (cwd: string, ...args: string[]) => upfHeds(args, cwd, { CANDLE_DATA_DIR: '.' })
  const first = heds(folder, 'export', 'EXP001')
  t.equal(first.status, 0, first.stderr)
  t.equal(first.stderr, '')
  t.match(first.stdout, `made: ${REPORTS.join(', ')}\nwrote: ${exp.path}/EXP001.tgz (`)
  const again = heds(folder, 'export', 'EXP001', '--json')
  t.match(JSON.parse(again.stdout), { made: [], missing: [] }, 'reports are not made twice')
  const { files, file } = JSON.parse(again.stdout) as { files: number; file: string }
  const there = join(folder, 'there')
  t.equal(spawnSync('tar', ['-xzf', file], { cwd: there }).status, 0)
  const found = fs
    .readdirSync(there, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(there.length + 1))
  t.equal(found.length, files)
  for (const name of found)
    t.ok(fs.readFileSync(join(there, name)).equals(fs.readFileSync(join(folder, name))), name)
  t.notMatch(found.join('\n'), /keys|rendezvous|model|history\.txt\.1|tgz|out-001/)
  t.ok(found.includes('EXP001/run/lock/stop.marker'))
  t.ok(found.includes('EXP001/out/summary-001.txt'))
  for (const name of REPORTS) t.ok(found.includes(`EXP001/${name}`), name)
  for (const command of [
    ['extract'],
    ['progress', '--json'],
    ['score-cells', '--json'],
    ['report'],
    ['results'],
    ['top-drugs', 'pred', 'ACH-1', '2'],
  ]) {
    const [name, ...rest] = command as [string, ...string[]]
    const args = [name, 'EXP001', ...rest]
    const [before, after] = [heds(folder, ...args), heds(there, ...args)]
    t.equal(after.stdout.replaceAll(there, folder), before.stdout, name)
  }
  t.ok(fs.existsSync(join(exp.path, '.engine/keys.json')))
})

t.test('a report that is older than a RUN or the end of the sweep is made again', async t => {
  const folder = t.testdir({})
  const exp = await makeExp(folder)
  const heds = (...args: string[]) => {
    const { stdout } = upfHeds(['export', 'EXP001', '--json', ...args], folder, {
      CANDLE_DATA_DIR: '.',
    })
    return JSON.parse(stdout) as { file: string | null; made: string[]; missing: string[] }
  }
  const none = heds('--no-reports')
  t.match(none, { made: [], missing: [/^progress\.txt: is not there, or older than its RUNs/] })
  t.equal(none.missing.length, REPORTS.length)
  t.notOk(fs.existsSync(join(exp.path, 'report.html')))
  t.match(heds('--dry-run'), { file: null, made: REPORTS, missing: [] })
  t.notOk(fs.existsSync(join(exp.path, 'report.html')), 'nothing was written')
  t.same(heds().made, REPORTS)
  fs.rmSync(join(exp.path, 'runs.parquet'))
  t.same(heds().made, ['results.parquet', 'runs.parquet'])
  const file = (name: string) => join(exp.path, name)
  fs.writeFileSync(file('scores.csv'), 'mine')
  t.same(heds().made, [], 'one of other options stays as long as nothing has changed')
  t.equal(fs.readFileSync(file('scores.csv'), 'utf8'), 'mine')
  fs.rmSync(file('run/lock/stop.marker'))
  t.same(heds().made, REPORTS)
  t.notMatch(fs.readFileSync(file('scores.csv'), 'utf8'), '001')
  t.same(heds().made, [])
  const soon = new Date(Date.now() + 5)
  fs.writeFileSync(file('status.json'), JSON.stringify({ exit: 5, reason: 'x', failed: 1 }))
  fs.utimesSync(file('status.json'), soon, soon)
  t.same(heds().made, REPORTS)
})

t.test('an EXP that no report of cells can be made of is packed all the same', async t => {
  const folder = t.testdir({})
  const late = { id: 'LATE', resolved: { index: 0, drug: 'A' }, test: [], unfinished: true }
  await makeSmallExp(folder, [late])
  const args = ['export', 'EXP001', '--out', 'x.tgz']
  const { status, stdout, stderr } = upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
  t.equal(status, 0)
  t.match(stderr, /^not made: cells\.csv: .*no finished RUN holds a drug or a cell out\n$/)
  t.match(stdout, /made: progress\.txt, .*report\.html\nwrote: x\.tgz \(/)
})

t.test('a name that no archive can hold is told, not cut', async t => {
  const entry = { size: 0, mtime: 0 }
  t.throws(() => tarHeader({ ...entry, name: 'x'.repeat(101) }), /too long/)
  t.throws(() => tarHeader({ ...entry, name: `${'x'.repeat(156)}/y` }), /too long/)
  t.doesNotThrow(() => tarHeader({ ...entry, name: `${'x'.repeat(155)}/${'y'.repeat(100)}` }))
})
