import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { slowExp, slowFiles, until } from './slow-sweep.js'
import { start, upfHeds } from './sweep.js'

/** What people do to an EXP while it runs. */

const ARGS = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1']

t.test(
  'a file lies where the folder of a RUN shall be: it is named, the others finish',
  async t => {
    const exp = await slowExp(t.testdir({}), [{ id: 'R0', retries: 0 }, { id: 'R1' }])
    fs.writeFileSync(join(exp, 'run/R0'), '')
    const leader = startLeader(exp)
    startAgent(exp, 1)
    t.equal((await leader.ended).status, 5)
    await gone(exp)
    t.match(
      fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'),
      /R0 failed after 1 attempt, failed: \S+run\/R0: is no folder, want that of a RUN \(Move it/,
    )
    fs.rmSync(join(exp, 'run/R0'))
    t.equal(upfHeds(['resume', exp], exp).status, 0)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 2, failed: 0 })
  },
)

t.test(
  'the EXP is moved while it runs: nothing appears at its old place, and it goes on',
  async t => {
    const lines = [0, 1, 2, 3].map(i => ({ id: `R${i}`, epochSeconds: 0.2 }))
    const cwd = t.testdir(slowFiles(lines))
    const running = start([...ARGS, '--tmp-root', join(cwd, 'tmp')], cwd)
    const [from, to] = [join(cwd, 'out/EXP001'), join(cwd, 'moved')]
    await until(() => fs.existsSync(join(from, 'run/R0/trained.txt')))
    fs.renameSync(from, to)
    const { status } = await running.ended
    t.ok(status === 4 || status === 6, `exit ${status}`)
    await gone(from)
    t.strictSame(fs.readdirSync(join(cwd, 'out')), [])
    t.equal(upfHeds(['resume', to], cwd).status, 0)
    const found = invariants(to)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 4, failed: 0 })
  },
)

t.test('Ctrl-Z for longer than the sweep takes: in the end it tells how that went', async t => {
  const quiet = Array.from({ length: 12_000 }, (_, i) => `{"id": "R${i}", "quiet": true}\n`)
  const cwd = t.testdir({
    'upf.txt': quiet.join(''),
    'dflts.json': JSON.stringify({ workflow: resolve('dist/test/e2e/faulty-workflow.js') }),
    data: {},
  })
  const sweep = start(ARGS, cwd)
  await sweep.until(/running on rank/)
  sweep.child.kill('SIGSTOP')
  await until(() => fs.existsSync(join(cwd, 'out/EXP001/status.json')))
  await gone(join(cwd, 'out/EXP001'))
  sweep.child.kill('SIGCONT')
  const { status, stdout } = await sweep.ended
  t.equal(status, 0)
  t.match(stdout, /12000 RUNs finished, 0 failed: all RUNs finished\n$/)
})

t.test('Ctrl-C while the EXP is made: nothing is left half made', async t => {
  const lines = Array.from({ length: 20_000 }, (_, i) => ({ id: `R${i}` }))
  const cwd = t.testdir(slowFiles(lines))
  const running = start([...ARGS, '--tmp-root', join(cwd, 'tmp')], cwd)
  await until(() => fs.existsSync(join(cwd, 'out/EXP001')))
  running.child.kill('SIGINT')
  const { status, signal } = await running.ended
  const left = fs.readdirSync(join(cwd, 'out'))
  // on a slow day it comes when the EXP is made already: then that is whole
  if (signal === null) t.match([status, upfHeds(['progress', 'EXP001'], cwd).status], [6, 0])
  else t.strictSame([signal, left], ['SIGINT', []])
})
