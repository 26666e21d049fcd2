import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { start, upfHeds } from './sweep.js'

const WORKFLOW = resolve('dist/test/e2e/faulty-workflow.js')

function bench(lines: readonly object[]) {
  return t.testdir({
    'upf.txt': lines.map((l, i) => JSON.stringify({ id: `R${i}`, ...l })).join('\n'),
    'dflts.json': JSON.stringify({ workflow: WORKFLOW }),
    data: {},
  })
}
const ARGS = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '3']
const read = (path: string) => JSON.parse(fs.readFileSync(path, 'utf8'))

t.test('a RUN that dies once is given out again and finishes', async t => {
  const cwd = bench([{ act: 'exit' }, { act: 'throw' }, { act: 'abort' }, {}])
  const { status, stderr } = upfHeds(ARGS, cwd)
  t.equal(status, 0, stderr)
  const exp = join(cwd, 'out/EXP001')
  t.match(read(join(exp, 'run/R0/error.json')), { fate: 'failed', attempt: 1, message: /exit 3/ })
  t.match(read(join(exp, 'run/R1/error.json')), { fate: 'failed', message: /thrown on purpose/ })
  t.match(read(join(exp, 'run/R2/error.json')), { fate: 'crashed', message: /SIGABRT/ })
  t.notOk(fs.existsSync(join(exp, 'run/R3/error.json')))
  t.equal(read(join(exp, 'run/R2/stop.marker')).attempt, 2)
})

t.test('a RUN that always fails is given up; the others finish; exit 5', async t => {
  const cwd = bench([{ act: 'throw', always: true }, { act: 'abort', always: true }, {}, {}])
  const { status, stdout } = upfHeds(ARGS, cwd)
  t.equal(status, 5)
  t.match(stdout, /2 RUNs finished, 2 failed/)
  const exp = join(cwd, 'out/EXP001')
  t.equal(read(join(exp, 'run/R0/error.json')).attempt, 2, 'failed: one more try')
  t.equal(read(join(exp, 'run/R1/error.json')).attempt, 3, 'crashed: three in all')
  t.match(fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'), /R0 failed after 2/)
})

t.test('a RUN past its timeout is hung, and does not hold up the sweep', async t => {
  const cwd = bench([{ act: 'sleep', timeout: 0.5 }, {}])
  const { status, stderr } = upfHeds(ARGS, cwd)
  t.equal(status, 0, stderr)
  t.match(read(join(cwd, 'out/EXP001/run/R0/error.json')), { fate: 'hung', attempt: 1 })
})

t.test('two leaders on one EXP: the second is refused and the first goes on', async t => {
  const cwd = bench([{ act: 'sleep', always: true }])
  const first = start(ARGS, cwd)
  await first.until(/R0 running/)
  const second = upfHeds(['resume', join(cwd, 'out/EXP001')], cwd)
  t.equal(second.status, 2)
  t.match(second.stdout + second.stderr, /is being run by process \d+/)
  first.child.kill('SIGTERM')
  const { status } = await first.ended
  t.equal(status, 6)
})
