// A soak with real processes: a sweep under random faults, and what must hold while it runs and at its end.
// Usage: node scripts/chaos.mjs [--minutes 10] [--seed 1] [--every 5] [--faults a,b,…] [--built] [--keep]
// Faults come as a Poisson process, one in --every seconds, from those named by --faults (default: all).
// Leader and agents run without a launcher of ours, as under mpiexec, and are started again when they end.
// After that time the leader gets a SIGTERM and the sweep is resumed from the command line, undisturbed.
// --built: take dist/ as it is. --keep: leave the EXP where it is.
// The last line is JSON with every figure and "ok". Exit 1 if anything did not hold.
// The seed decides which faults come when; how they meet the processes no seed decides.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { clearInterval, setInterval } from 'node:timers'
import { root, setup } from './setup.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '5' },
    faults: { type: 'string' },
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
process.chdir(root)
if (!values.built) setup()
const { gone, invariants } = await import('../dist/test/e2e/invariants.js')
const { makeExp, startAgent, startLeader } = await import('../dist/test/e2e/ranks.js')
const { start } = await import('../dist/test/e2e/sweep.js')
const { routed, routeThrough, startProxy } = await import('../dist/test/e2e/tcp-proxy.js')
const { newFaults, newRandom, SHIM } = await import('./chaos-faults.mjs')
const { grows, watchProcesses } = await import('./chaos-watch.mjs')

const LEASE = [0.5, 2, 6]
const AGENTS = 3
/** Ranks of the resumed sweep: it has the RUNs left, and nobody wants to wait for them. */
const PROCS_LATER = 9
/** More than three agents do in a minute, so that the sweep does not end before its time. */
const RUNS_A_MINUTE = 130
/** Exit statuses that a leader may have: all finished, some failed, stopped but resumable. */
const DOCUMENTED = [0, 5, 6]
const CHECK_MS = 20_000

const seconds = Number(values.minutes) * 60
const { random, between } = newRandom(Number(values.seed))
const born = performance.now()
const age = () => (performance.now() - born) / 1000
const say = text => console.log(`${age().toFixed(1).padStart(7)} s  ${text}`)
const pause = time => new Promise(done => setTimeout(done, Math.max(0, time) * 1000))

const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
const lines = Array.from({ length: Math.ceil((seconds / 60) * RUNS_A_MINUTE) }, (_, seed) => ({
  id: `RUN${String(seed).padStart(5, '0')}`,
  epochs: 2 + Math.floor(random() * 5),
  epochSeconds: Number(between(0.1, 0.5).toFixed(2)),
  // a disk that is full for a moment fails what writes a checkpoint just then
  retries: 9,
  seed,
}))
const exp = await makeExp(
  folder,
  lines,
  { workflow: join(root, 'dist/test/e2e/slow-workflow.js') },
  { LEASE: LEASE.join(','), PROCS: String(AGENTS + 1) },
)
say(`${exp}: ${lines.length} RUNs, ${AGENTS} agents, lease ${LEASE.join(',')}, seed ${values.seed}`)

const proxy = await startProxy('tcp://127.0.0.1:1', random)
const route = routeThrough(proxy, exp)
const watch = watchProcesses()
/** Living rank → its process. */
const ranks = new Map()
const problems = []
let over = false
const faults = newFaults({
  ...{ exp, proxy, ranks, random, say, seconds, age },
  every: Number(values.every),
  diskFlag: join(folder, 'disk'),
  names: values.faults?.split(','),
})

const ranksEnded = [supervise(0)]
await routed(proxy, exp)
for (let rank = 1; rank <= AGENTS; rank++) ranksEnded.push(supervise(rank))
const checking = setInterval(() => {
  for (const problem of invariants(exp, false).problems) complain(problem)
}, CHECK_MS)
await faults.run(() => over)
clearInterval(checking)
await stop()
const disturbed = invariants(exp, false)
say(`stopped: ${disturbed.finished} finished, ${disturbed.left} left; resuming those`)
await resume()
const found = invariants(exp)
found.problems.forEach(complain)
report()

/** Start a rank, and again whenever it ended, as a launcher or a resumed job does, until the sweep is over. */
async function supervise(rank) {
  const env = {
    NODE_OPTIONS: `--import=${SHIM}`,
    FS_FAULT_DIR: exp,
    FS_FAULT_WHILE: faults.diskFlag,
  }
  while (!over) {
    const started = rank === 0 ? startLeader(exp, { env }) : startAgent(exp, rank, { env })
    ranks.set(rank, started)
    watch.add(rank, started.pid)
    const { status, signal, stderr } = await started.ended
    ranks.delete(rank)
    const how = signal ?? `exit ${status}`
    const said = stderr.trim().split('\n').at(-1)
    say(`    ${rank === 0 ? 'leader' : `agent ${rank}`} ${started.pid} ended: ${how} ${said}`)
    if (rank === 0 && (status === 0 || status === 5)) over = true
    // an agent may leave with 0 when its lease is over; a leader with 6 when its disk failed for good,
    // and either with 2 when it cannot even begin
    const documented = rank === 0 ? DOCUMENTED.includes(status) : status === 0
    const blameDisk = status === 2 && faults.diskWasBad()
    if (!documented && !faults.killed.has(started.pid) && !blameDisk)
      complain(`rank ${rank} ended by itself: ${how}: ${stderr.trim().slice(-2000)}`)
    if (!over) await pause(between(0.2, 1))
  }
}

/** As at the end of a job: SIGTERM to the leader, which tells its agents. */
async function stop() {
  if (over) say('the sweep was over before its time')
  over = true
  const leader = ranks.get(0) ?? startLeader(exp)
  leader.kill('SIGTERM')
  const { status, stderr } = await leader.ended
  if (!DOCUMENTED.includes(status))
    complain(`after SIGTERM: exit ${status}: ${stderr.slice(-2000)}`)
  await Promise.race([Promise.all(ranksEnded), pause(LEASE[2] * 8)])
  for (const { rank, child } of ranks.values()) {
    complain(`agent ${rank} does not leave after the leader`)
    child.kill('SIGKILL')
  }
  route.stop()
  watch.stop()
  await proxy.close()
  await gone(exp, 5).catch(error => complain(`left behind: ${error.message}`))
}

async function resume() {
  const resumed = start(['resume', exp, '--procs', String(PROCS_LATER)], folder)
  const { status, stderr } = await resumed.ended
  if (status !== 0) complain(`resume: exit ${status}: ${stderr.slice(-2000)}`)
  await gone(exp, 5).catch(error => complain(`left behind: ${error.message}`))
}

function complain(problem) {
  if (problems.includes(problem)) return
  problems.push(problem)
  say(`NOT OK ${problem}`)
}

function report() {
  const fits = watch.fits()
  for (const fit of fits) {
    console.log(JSON.stringify(fit))
    if (grows(fit)) complain(`rank ${fit.rank} grows: ${JSON.stringify(fit)}`)
  }
  const ok = problems.length === 0
  const keep = values.keep || !ok
  if (!keep) rmSync(folder, { recursive: true })
  const { finished, failed, left, epochs, begun, again, byMarker, fates } = found
  console.log(
    JSON.stringify({
      ...{ minutes: Number(values.minutes), seed: Number(values.seed), runs: lines.length },
      ...{
        faults: faults.count(),
        finished,
        failed,
        left,
        byMarker,
        disturbed: disturbed.finished,
      },
      ...{ epochs, epochsLost: begun - epochs, attemptsAgain: again, fates },
      ...{ slopes: fits.filter(f => f.judged), problems, exp: keep ? exp : undefined, ok },
    }),
  )
  process.exit(ok ? 0 : 1)
}
