// A soak with real processes: a sweep under random faults, and what must hold at its end.
// Usage: node scripts/chaos.mjs [--minutes 10] [--seed 1] [--every 5] [--faults a,b,…] [--built] [--keep]
// Faults come as a Poisson process, one in --every seconds, from those named by --faults (default: all).
// --built: take dist/ as it is. --keep: leave the EXP where it is. Exit 1 if anything did not hold.
// The seed decides which faults come when; how they meet the processes no seed decides.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
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
const { makeExp, startAgent, startLeader } = await import('../dist/test/e2e/ranks.js')
const { routed, routeThrough, startProxy } = await import('../dist/test/e2e/tcp-proxy.js')
const { processes } = await import('../dist/test/e2e/sweep.js')
const { countFinished, parentOf, runningByRank, verdict, watchProcesses } =
  await import('./chaos-checks.mjs')

const LEASE = [0.5, 2, 6]
const AGENTS = 3
/** Fewer than three undisturbed agents do in a minute, more than disturbed ones. */
const RUNS_A_MINUTE = 80
/** After the last fault the sweep has this long for each RUN that is left, and a minute. */
const SECONDS_PER_RUN = 3
/** A RUN that was hit this often is spared: a third crash would rightly fail it. */
const SPARED = 2
/** A fault still has effects this long after its end, ms: leases, then new lives. */
const SLACK_MS = (2 * LEASE[2] + 5) * 1000

let state = (Number(values.seed) * 2654435761) % 2 ** 31
const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
const between = (low, high) => low + (high - low) * random()
const pick = list => list[Math.floor(random() * list.length)]
const exponential = mean => -mean * Math.log(1 - random())
const pause = seconds => new Promise(done => setTimeout(done, Math.max(0, seconds) * 1000))
const born = performance.now()
const age = () => (performance.now() - born) / 1000
const say = text => console.log(`${age().toFixed(1).padStart(7)} s  ${text}`)

const seconds = Number(values.minutes) * 60
const folder = mkdtempSync(join(tmpdir(), 'chaos-'))
const lines = Array.from({ length: Math.ceil((seconds / 60) * RUNS_A_MINUTE) }, (_, seed) => ({
  id: `RUN${String(seed).padStart(5, '0')}`,
  epochs: 2 + Math.floor(random() * 5),
  epochSeconds: Number(between(0.1, 0.5).toFixed(2)),
  seed,
}))
const dflts = { workflow: join(root, 'dist/test/e2e/slow-workflow.js') }
const settings = { LEASE: LEASE.join(','), PROCS: String(AGENTS + 1) }
const exp = await makeExp(folder, lines, dflts, settings)
say(`${exp}: ${lines.length} RUNs, ${AGENTS} agents, lease ${LEASE.join(',')}, seed ${values.seed}`)

const proxy = await startProxy('tcp://127.0.0.1:1')
const route = routeThrough(proxy, exp)
const watch = watchProcesses()
/** Living rank → its process. */
const ranks = new Map()
/** { kind, begin, end }, ms since 1970. */
const faults = []
/** RUN → how often we hit it where it ran. */
const hits = new Map()
const ours = new Set()
const unexpected = []
let over = false

void supervise(0)
await routed(proxy, exp)
for (let rank = 1; rank <= AGENTS; rank++) void supervise(rank)
await disturb(seconds)
const left = lines.length - countFinished(exp)
say(`no new faults; ${left} RUNs are left`)
const orphans = await settle(age() + 60 + left * SECONDS_PER_RUN)
route.stop()
watch.stop()
await proxy.close()
report()

/** Start a rank, and again whenever it ended, as a launcher or a resumed job does, until the sweep is over. */
async function supervise(rank) {
  while (!over) {
    const started = rank === 0 ? startLeader(exp) : startAgent(exp, rank)
    ranks.set(rank, started)
    watch.add(rank, started.pid)
    const { status, signal, stderr } = await started.ended
    ranks.delete(rank)
    const how = signal ?? `exit ${status}`
    const said = stderr.trim().split('\n').at(-1)
    say(`    ${rank === 0 ? 'leader' : `agent ${rank}`} ${started.pid} ended: ${how} ${said}`)
    if (rank === 0 && (status === 0 || status === 5)) over = true
    // an agent may leave with 0 when its lease is over; nobody else may leave by itself
    else if (!ours.has(started.pid) && (rank === 0 || status !== 0))
      unexpected.push(`rank ${rank} ended by itself: ${how}: ${stderr.trim().slice(-2000)}`)
    if (!over) await pause(between(0.2, 1))
  }
}

/** One random fault after another, until the time is up or the sweep is over. */
async function disturb(until) {
  const all = {
    'kill-executor': () => kill('executor'),
    'kill-agent': () => kill('agent'),
    'kill-leader': () => kill('leader'),
    'stop-executor': () => freeze('executor'),
    'stop-agent': () => freeze('agent'),
    'stop-leader': () => freeze('leader'),
    drop: () => network({ type: 'drop', way: 'both' }),
    'drop-to-leader': () => network({ type: 'drop', way: 'to-leader' }),
    'drop-to-agent': () => network({ type: 'drop', way: 'to-agent' }),
    delay: () => network({ type: 'delay', ms: Math.round(between(50, 5000)) }),
    loss: () => network({ type: 'loss', share: 0.3, ms: 1000 }),
    resets: () => network({ type: 'resets', share: 0.3 }),
    flap: () => network({ type: 'flap', ms: Math.round(between(20, 1000)) }),
  }
  const names = values.faults?.split(',') ?? Object.keys(all)
  for (const name of names) if (!all[name]) throw new Error(`no fault is called ${name}`)
  const lasting = new Set()
  for (;;) {
    await pause(Math.min(exponential(Number(values.every)), until - age()))
    if (over || age() >= until) break
    const kind = pick(names)
    const fault = { kind, begin: Date.now(), end: undefined }
    const done = all[kind]()
    if (done === undefined) continue // there was no victim
    faults.push(fault)
    const lasted = done.then(() => {
      fault.end = Date.now()
      lasting.delete(lasted)
    })
    lasting.add(lasted)
  }
  await Promise.all(lasting)
}

/** @returns undefined if there is nobody */
function kill(kind) {
  const chosen = victim(kind)
  if (!chosen) return undefined
  ours.add(chosen.pid)
  say(`SIGKILL ${chosen.name}`)
  send(chosen.pid, 'SIGKILL')
  return Promise.resolve()
}

/** SIGSTOP, now and then for longer than the lease, then SIGCONT. */
function freeze(kind) {
  const chosen = victim(kind)
  if (!chosen) return undefined
  const time = Math.min(15, exponential(3))
  say(`SIGSTOP ${chosen.name} for ${time.toFixed(1)} s`)
  send(chosen.pid, 'SIGSTOP')
  return pause(time).then(() => send(chosen.pid, 'SIGCONT'))
}

/** For some seconds; a later one takes its place. */
function network(fault) {
  const time = between(1, 9)
  const share = pick([1, 1, 0.4])
  const { type, ...how } = fault
  say(`network: ${type} ${JSON.stringify(how)}, share ${share}, for ${time.toFixed(1)} s`)
  proxy.set(fault, share)
  network.now = fault
  return pause(time).then(() => {
    if (network.now === fault) proxy.set({ type: 'pass' })
  })
}

/** A living process of this kind whose RUN may take one more hit. */
function victim(kind) {
  const running = runningByRank(exp)
  const candidates = processes(exp).flatMap(({ pid, kind: is }) => {
    if (is !== kind) return []
    const parent = kind === 'executor' ? parentOf(pid) : pid
    const rank = [...ranks.values()].find(r => r.pid === parent)?.rank
    if (rank === undefined) return []
    const run = running.get(rank)
    const name = `${kind}${rank > 0 ? ` ${rank}` : ''}, process ${pid}${run ? `, at ${run}` : ''}`
    return (hits.get(run) ?? 0) >= SPARED ? [] : [{ pid, run, name }]
  })
  const chosen = pick(candidates)
  if (chosen?.run) hits.set(chosen.run, (hits.get(chosen.run) ?? 0) + 1)
  return chosen
}

/** Wait for the end of the sweep, then for that of its processes. @returns those that are left; they are killed */
async function settle(limit) {
  while (!over && age() < limit) await pause(0.2)
  if (!over) {
    unexpected.push('the sweep does not end')
    over = true
    for (const { pid } of ranks.values()) {
      ours.add(pid)
      send(pid, 'SIGKILL')
    }
    await pause(2)
  }
  const last = age() + LEASE[2] + 10
  while (processes(exp).length > 0 && age() < last) await pause(0.2)
  const orphans = processes(exp)
  for (const { pid } of orphans) send(pid, 'SIGKILL')
  return orphans
}

function report() {
  const found = verdict(exp, faults, SLACK_MS)
  const problems = [
    ...unexpected,
    ...found.problems,
    ...orphans.map(p => `${p.kind} ${p.pid} is left behind`),
    ...watch.problems(),
  ]
  for (const line of watch.lines()) console.log(line)
  const counts = new Map()
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  console.log(`faults: ${[...counts].map(([kind, n]) => `${kind} ${n}`).join(', ')}`)
  console.log(found.summary)
  for (const problem of problems) console.log(`NOT OK ${problem}`)
  const kept = values.keep || problems.length > 0
  if (!kept) rmSync(folder, { recursive: true })
  console.log(
    `${problems.length === 0 ? 'ok' : 'NOT OK'}: ${faults.length} faults, ${found.finished} of ` +
      `${lines.length} RUNs finished, ${problems.length} problems${kept ? `; see ${exp}` : ''}`,
  )
  process.exit(problems.length === 0 ? 0 : 1)
}

function send(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
