// Kill something at a random moment, resume, compare every result byte with an undisturbed sweep.
// Usage: node scripts/kill-trials.mjs [--trials 30] [--seed 1]
// Victims in turn: an executor, an agent, the leader, the command itself. Exit 1 if any trial fails.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, setup } from './setup.mjs'

setup()
const { processes, resultBytes, start, upfHeds } = await import('../dist/test/e2e/sweep.js')
const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
  },
})
let state = Number(values.seed)
const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

const folder = mkdtempSync(join(tmpdir(), 'kill-trials-'))
upfHeds(['data', 'demo', 'data'], folder)
const files = [join(root, 'upf/hed-demo.txt'), join(root, 'dflts/hed-demo.json')]
const sweep = ['local', ...files, '--data-source', 'data', '--procs', '3', '--threads', '1']
upfHeds(sweep, folder)
const begun = performance.now()
upfHeds([...sweep, '--candle-data-dir', 'again'], folder) // with the data staged, as in the trials
const undisturbed = performance.now() - begun
const wanted = JSON.stringify(resultBytes(join(folder, 'out/EXP001')))

let failed = 0
for (let trial = 0; trial < Number(values.trials); trial++) {
  const kind = ['executor', 'agent', 'leader', 'cli'][trial % 4]
  const exp = join(folder, 'out', 'EXP002')
  const running = start(sweep, folder)
  await pause(undisturbed * (0.25 + 0.5 * random()))
  const living = processes(exp).filter(p => p.kind === kind)
  const victim =
    kind === 'cli' ? running.child.pid : living[Math.floor(random() * living.length)]?.pid
  const killed = victim !== undefined && kill(victim)
  const { status, signal } = await running.ended
  await pause(3000)
  const orphans = processes(exp).length
  const last = status === 0 ? 0 : upfHeds(['resume', exp], folder).status
  const same = JSON.stringify(resultBytes(exp)) === wanted
  const again = repeated(exp)
  // an executor or an agent is replaced: the sweep itself goes on to its end
  const survived = status === 0 || kind === 'leader' || kind === 'cli'
  const ok = survived && last === 0 && same && orphans === 0 && again <= 1
  if (!ok) failed++
  console.log(
    `${ok ? 'ok' : 'NOT OK'} ${trial + 1} ${kind} ${killed ? 'killed' : 'was not there'}: ` +
      `exit ${signal ?? status} then ${last}, bytes ${same ? 'equal' : 'DIFFER'}, ` +
      `${orphans} orphans, at most ${again} epoch(s) of a RUN trained again`,
  )
  if (!ok) break // the folder tells why
  rmSync(exp, { recursive: true })
}
console.log(`${failed} failed${failed > 0 ? `; see ${folder}` : ''}`)
if (failed === 0) rmSync(folder, { recursive: true })
process.exit(failed > 0 ? 1 : 0)

/** @returns false if it ended by itself just before */
function kill(pid) {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** The largest number of epochs that one RUN has trained more than once. */
function repeated(exp) {
  const counts = new Map()
  for (const name of readdirSync(join(exp, 'out')))
    for (const [line] of readFileSync(join(exp, 'out', name), 'utf8').matchAll(
      /RUN\d+: epoch \d+\//g,
    ))
      counts.set(line, (counts.get(line) ?? 0) + 1)
  const runs = new Map()
  for (const [line, count] of counts)
    runs.set(line.slice(0, 6), (runs.get(line.slice(0, 6)) ?? 0) + count - 1)
  return Math.max(0, ...runs.values())
}
