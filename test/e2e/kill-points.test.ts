import { join } from 'node:path'
import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { HOLDS } from './slow-workflow.js'
import { isHeld, slowFiles } from './slow-sweep.js'
import { processes, start, upfHeds } from './sweep.js'

/**
 * Somebody is killed while four RUNs hold at four exact points, one agent is idle and two RUNs have
 * finished before: every point at once, so one sweep a victim is enough.
 */
const DONE = ['D0', 'D1']
const LINES = [
  ...HOLDS.map(hold => ({ id: hold, hold, seed: hold.length })),
  ...DONE.map((id, seed) => ({ id, seed, epochs: 1 })),
]
const ATTEMPTS = Object.fromEntries(LINES.map(({ id }) => [id, DONE.includes(id) ? 1 : 2]))

async function begin(cwd: string) {
  const exp = join(cwd, 'out/EXP001')
  const running = start(
    [
      ...['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1'],
      ...['--procs', '6', '--tmp-root', join(cwd, 'tmp')],
    ],
    cwd,
  )
  await running.until(/2 of 6 RUNs/)
  for (const hold of HOLDS) await isHeld(exp, hold)
  return { exp, running }
}

/** While everybody stands still: else a RUN of the first victim may be given to the last one, and begin there. */
function killAtOnce(victims: readonly number[], all: readonly { pid: number }[]): void {
  for (const { pid } of all) process.kill(pid, 'SIGSTOP')
  for (const pid of victims) process.kill(pid, 'SIGKILL')
  for (const { pid } of all) if (!victims.includes(pid)) process.kill(pid, 'SIGCONT')
}

for (const kind of ['executor', 'agent', 'leader', 'cli'] as const)
  t.test(`killed at every point: ${kind}`, async t => {
    const cwd = t.testdir(slowFiles(LINES))
    const { exp, running } = await begin(cwd)
    const ofKind = processes(exp).flatMap(p => (p.kind === kind ? [p.pid] : []))
    const victims = kind === 'cli' ? [running.child.pid!] : ofKind
    t.equal(victims.length, kind === 'leader' || kind === 'cli' ? 1 : 5, 'the idle one too')
    killAtOnce(victims, processes(exp))
    const { status, signal, stderr } = await running.ended
    if (kind === 'cli') t.equal(signal, 'SIGKILL')
    else t.equal(status, kind === 'leader' ? 6 : 0, stderr)
    await t.resolves(gone(exp))
    if (status !== 0) t.equal(upfHeds(['resume', exp], cwd).status, 0, 'resumed')
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 6, failed: 0, left: 0 })
    const times = attempts(exp)
    // what a killed one had may be given to another that is dead but not seen to be so yet
    if (kind === 'agent' || kind === 'executor')
      for (const hold of HOLDS) times[hold] = Math.min(2, times[hold]!)
    t.strictSame(times, ATTEMPTS, 'who was hit has one more attempt, nobody else')
    t.equal(found.begun - found.epochs, 2, 'an epoch was lost where one was begun, none elsewhere')
  })
