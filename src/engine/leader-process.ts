import { createWriteStream } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { messageOf, unreachable } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import { stamp } from '../base/log.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { readPlan } from '../experiment/plan.js'
import { takeStock } from './stock.js'
import { openJournal, readJournal, type Journal } from './journal.js'
import { describe, type LeaderEvent } from './leader-events.js'
import { newLeader, type Effect } from './leader-state.js'
import { onGone, onMessage, onStall, onStop, onTick } from './leader.js'
import { holdLifeline } from './lifeline.js'
import { acquireLock, type Lock } from './lock.js'
import { encode, parseFromAgent } from './protocol.js'
import { openRankLog } from './rank-log.js'
import { makeKeys, writeRendezvous } from './rendezvous.js'
import { listen } from './socket.js'

export interface LeaderOptions {
  readonly exp: Experiment
  /** On one machine: bind to 127.0.0.1 and nothing else. */
  readonly loopback: boolean
  /** Started by our own launcher: it tells of exits on descriptor 3 and shows our events from 4. */
  readonly lifeline: boolean
}

const CRASH_LIMIT = 3
const TICK_MS = 1000
/** After `stop`, agents have their grace of 60 s; then we end without them. */
const STOP_LIMIT_MS = 75_000
/** For the last messages to leave the sockets. */
const CLOSE_LIMIT_MS = 3_000

/** Run the leader to its end. It performs the effects of leader.ts and decides nothing. */
export async function leaderMain({ exp, loopback, lifeline }: LeaderOptions): Promise<number> {
  const engine = layout.engine(exp.path)
  const log = openRankLog(layout.out(exp.path, 0))
  if (lifeline) holdLifeline(() => undefined, onLauncher)
  const launcher = lifeline ? createWriteStream('', { fd: 4 }) : undefined
  launcher?.on('error', () => undefined)
  const lock: Lock = await acquireLock(engine, text => log.line(text))
  const { LEASE } = exp.settings
  const plan = readPlan(exp.path)
  const stock = takeStock(exp, plan, readJournal(layout.journal(exp.path)))
  for (const note of stock.notes) log.line(note)
  const journal: Journal = await openJournal(layout.journal(exp.path))
  const leader = newLeader(
    plan,
    { crashLimit: CRASH_LIMIT, suspect: LEASE[1], lost: LEASE[2] },
    stock.finished,
    stock.attempts,
  )
  const started = new Date()
  const now = () => performance.now() / 1000
  let over: () => void = () => undefined
  const ended = new Promise<void>(resolve => {
    over = resolve
  })

  const socket = await listen(
    makeKeys(engine),
    loopback ? ['127.0.0.1'] : ownAddresses(),
    (from, frame) => {
      const message = parseFromAgent(frame)
      if (!message || message.exp !== exp.id || message.epoch !== lock.epoch) strangers++
      else if (!from.endsWith(`-${message.nonce}`)) strangers++
      else perform(onMessage(leader, from, message.body, now()))
    },
  )
  let strangers = 0
  await writeRendezvous(engine, { addresses: socket.addresses, epoch: lock.epoch })
  log.line(`leading ${exp.id}: ${plan.length} RUNs, ${stock.finished.size} finished already`)
  say({ type: 'begin', runs: plan.length, finished: [...stock.finished.keys()] })

  function perform(effects: readonly Effect[]): void {
    for (const effect of effects) performOne(effect)
  }

  function performOne(effect: Effect): void {
    switch (effect.do) {
      case 'send':
        socket.send(
          effect.to,
          encode({ exp: exp.id, epoch: lock.epoch, nonce: '' }, effect.message),
        )
        return
      case 'journal':
        journal.append(effect.record).then(
          () => perform(effect.then),
          (error: unknown) => onJournalFault(error),
        )
        log.line(JSON.stringify(effect.record))
        return
      case 'alert':
        log.line(`ALERT ${effect.text}`)
        say({ type: 'alert', text: effect.text })
        void appendFile(layout.alerts(exp.path), `${stamp()} ${effect.text}\n`).catch(
          () => undefined,
        )
        return
      case 'changed':
        say(describe(leader, effect.run))
        return
      case 'over':
        over()
        return
      default:
        unreachable(effect)
    }
  }

  /** A journal that cannot be written is no reason to lose a sweep: markers are the truth. Stop in order. */
  function onJournalFault(error: unknown): void {
    perform(onStop(leader, 'stopped', `the journal cannot be written: ${messageOf(error)}`))
  }

  function stop(fate: 'stopped' | 'walltime', reason: string): void {
    perform(onStop(leader, fate, reason))
    setTimeout(over, STOP_LIMIT_MS).unref()
  }

  function onLauncher(line: string): void {
    const message = JSON.parse(line) as LauncherMessage
    switch (message.type) {
      case 'exit': {
        const why = `rank ${message.rank}: ${message.how}`
        log.line(why)
        for (const [id, agent] of leader.agents)
          if (agent.rank === message.rank) perform(onGone(leader, id, why))
        return
      }
      case 'no-workers':
        perform(onStop(leader, 'stopped', 'no worker is left'))
        over()
        return
      case 'stop':
        stop('stopped', message.reason)
        return
    }
  }

  function say(event: LeaderEvent): void {
    launcher?.write(`${JSON.stringify(event)}\n`)
  }

  let last = now()
  const ticks = setInterval(() => {
    const late = now() - last - TICK_MS / 1000
    if (late > 1) onStall(leader, late)
    last = now()
    perform(onTick(leader, now()))
  }, TICK_MS)
  const beats = setInterval(() => {
    void lock.beat().catch((error: unknown) => log.line(`lock: ${messageOf(error)}`))
  }, LEASE[0] * 1000)
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const)
    process.on(signal, () => stop('stopped', signal))
  process.on('SIGINT', () => {
    if (!lifeline) stop('stopped', 'SIGINT')
  })

  if (leader.counts.waiting === 0) over()
  await ended
  clearInterval(ticks)
  clearInterval(beats)
  const { finished, failed, waiting, running } = leader.counts
  const left = waiting + running
  const exit = left > 0 ? (leader.stopping?.fate === 'bad-data' ? 3 : 6) : failed > 0 ? 5 : 0
  const reason =
    leader.stopping?.reason ?? (exit === 0 ? 'all RUNs finished' : `${failed} RUN(s) failed`)
  const ranks = [...leader.agents.values()].map(({ rank, host, health }) => ({
    rank,
    host,
    health,
  }))
  const status = {
    exit,
    reason,
    finished,
    failed,
    notStarted: left,
    started: started.toISOString(),
    ended: new Date().toISOString(),
    strangers: strangers + socket.dropped(),
    ranks,
  }
  await writeAtomic(layout.status(exp.path), `${JSON.stringify(status, null, 2)}\n`)
  say({ type: 'end', exit, reason, finished, failed, left })
  log.line(`ended: ${reason}; exit ${exit}`)
  // all that matters is on disk: nothing may hold the job up now
  setTimeout(() => process.exit(exit), CLOSE_LIMIT_MS).unref()
  await journal.close().catch(() => undefined)
  await socket.close()
  lock.release()
  await log.close()
  return exit
}

/** Launcher → leader, one JSON line each. */
type LauncherMessage =
  | { readonly type: 'exit'; readonly rank: number; readonly how: string; readonly again: boolean }
  | { readonly type: 'no-workers' }
  | { readonly type: 'stop'; readonly reason: string }

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .filter(i => i && !i.internal && i.family === 'IPv4')
    .map(i => i!.address)
}
