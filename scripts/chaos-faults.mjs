// The faults of chaos.mjs: which there are, when they come and whom they meet.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { readJournalTail } from '../dist/src/experiment/journal.js'
import * as layout from '../dist/src/experiment/layout.js'
import { processes } from '../dist/test/e2e/sweep.js'
import { root } from './setup.mjs'

export const SHIM = pathToFileURL(join(root, 'test/e2e/fs-faults.mjs')).href

/** A RUN that was hit this often is spared: a third crash would rightly fail it. */
const SPARED = 2
/** This agent is never killed, so that its memory can be followed over the whole time. */
const UNKILLED = 1
/** And so is the leader in this last share of it. */
const LEADER_UNKILLED = 1 / 3
/** A disk that comes back may still be blamed for what ends within this time, ms: retries, leases. */
const DISK_AFTERMATH_MS = 20_000

/** @param seed any number; the same gives the same */
export function newRandom(seed) {
  let state = (Number(seed) * 2654435761) % 2 ** 31
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  return { random, between: (low, high) => low + (high - low) * random() }
}

/**
 * @param names of the faults that may come; undefined: all
 * @param diskFlag the file that makes the shim fail every write
 */
export function newFaults({
  exp,
  proxy,
  ranks,
  random,
  say,
  seconds,
  age,
  every,
  diskFlag,
  names,
}) {
  const between = (low, high) => low + (high - low) * random()
  const pick = list => list[Math.floor(random() * list.length)]
  const exponential = mean => -mean * Math.log(1 - random())
  const pause = time => new Promise(done => setTimeout(done, Math.max(0, time) * 1000))
  const all = {
    'kill-executor': () => kill('executor'),
    'kill-agent': () => kill('agent'),
    'kill-leader': () => age() < seconds * (1 - LEADER_UNKILLED) && kill('leader'),
    'stop-executor': () => freeze('executor'),
    'stop-agent': () => freeze('agent'),
    'stop-leader': () => freeze('leader'),
    disk,
    partition: () => network({ type: 'drop', way: 'both' }),
    'partition-to-leader': () => network({ type: 'drop', way: 'to-leader' }),
    'partition-to-agent': () => network({ type: 'drop', way: 'to-agent' }),
    'half-open': () => network({ type: 'half-open', closed: pick(['leader', 'agent']) }),
    delay: () => network({ type: 'delay', ms: Math.round(between(50, 5000)) }),
    loss: () => network({ type: 'loss', share: 0.3, ms: 1000 }),
    resets: () => network({ type: 'resets', share: 0.3 }),
    flap: () => network({ type: 'flap', ms: Math.round(between(20, 1000)) }),
  }
  for (const name of names ?? [])
    if (!all[name]) throw new Error(`no fault is called ${name}; there are ${Object.keys(all)}`)
  const counts = {}
  /** RUN → how often it was hit where it ran. */
  const hits = new Map()
  const killed = new Set()
  let diskUntil = -Infinity
  let inNetwork

  return {
    killed,
    diskFlag,
    count: () => counts,
    diskWasBad: () => performance.now() < diskUntil + DISK_AFTERMATH_MS,
    /** One fault after another until the time is up; resolves when the last one has ended. */
    run: async isOver => {
      const lasting = new Set()
      for (;;) {
        await pause(Math.min(exponential(every), seconds - age()))
        if (isOver() || age() >= seconds) break
        const kind = pick(names ?? Object.keys(all))
        const done = all[kind]()
        if (!done) continue // there was no victim
        counts[kind] = (counts[kind] ?? 0) + 1
        const lasted = done.then(() => lasting.delete(lasted))
        lasting.add(lasted)
      }
      await Promise.all(lasting)
    },
  }

  function kill(kind) {
    const chosen = victim(kind, rank => kind !== 'agent' || rank !== UNKILLED)
    if (!chosen) return undefined
    killed.add(chosen.pid)
    say(`SIGKILL ${chosen.name}`)
    send(chosen.pid, 'SIGKILL')
    return Promise.resolve()
  }

  /** SIGSTOP, now and then for longer than the lease, then SIGCONT. */
  function freeze(kind) {
    const chosen = victim(kind, () => true)
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
    say(`network: ${JSON.stringify(fault)}, share ${share}, for ${time.toFixed(1)} s`)
    proxy.set(fault, share)
    inNetwork = fault
    return pause(time).then(() => {
      if (inNetwork === fault) proxy.set({ type: 'pass' })
    })
  }

  /** The file system that all ranks share. */
  function disk() {
    const code = pick(['ENOSPC', 'EIO', 'EROFS', 'EDQUOT'])
    const time = Math.min(20, exponential(3))
    say(`disk: ${code} for ${time.toFixed(1)} s`)
    writeFileSync(diskFlag, code)
    const until = performance.now() + time * 1000
    diskUntil = Math.max(diskUntil, until)
    return pause(time).then(() => {
      if (diskUntil <= until) rmSync(diskFlag, { force: true })
    })
  }

  /** A living process of this kind whose RUN may take one more hit. */
  function victim(kind, isAllowed) {
    const running = runningByRank(exp)
    const candidates = processes(exp).flatMap(({ pid, kind: is }) => {
      if (is !== kind) return []
      const parent = kind === 'executor' ? parentOf(pid) : pid
      const rank = [...ranks.values()].find(r => r.pid === parent)?.rank
      if (rank === undefined || !isAllowed(rank)) return []
      const run = running.get(rank)
      const name = `${kind}${rank > 0 ? ` ${rank}` : ''}, process ${pid}${run ? `, at ${run}` : ''}`
      return (hits.get(run) ?? 0) >= SPARED ? [] : [{ pid, run, name }]
    })
    const chosen = pick(candidates)
    if (chosen?.run) hits.set(chosen.run, (hits.get(chosen.run) ?? 0) + 1)
    return chosen
  }
}

/** Rank → RUN that the journal has there. */
function runningByRank(exp) {
  const running = new Map()
  const rankOf = new Map()
  readJournalTail(layout.journal(exp), () => record => {
    if (record.type === 'given') {
      running.set(record.rank, record.run)
      rankOf.set(record.run, record.rank)
    } else if (running.get(rankOf.get(record.run)) === record.run)
      running.delete(rankOf.get(record.run))
  })
  return running
}

/** Parent of a process; undefined if it is gone. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

function send(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
