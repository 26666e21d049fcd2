import { appendFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { exitStatus, HedError, messageOf, unreachable } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { oneLine } from '../base/lines.js'
import { stamp } from '../base/log.js'
import { optimiseLate, staySmall } from '../base/v8.js'
import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { readPlanWithId } from '../experiment/plan.js'
import { callProgram } from './alert.js'
import { deadlineOf } from './deadline.js'
import { BRIEFLY_MS, patiently } from './disk.js'
import { openJournal } from './journal.js'
import { eventsOf } from './leader-events.js'
import { watchLag } from './lag.js'
import { connectLauncher, watchStopFile, type LauncherMessage } from './leader-launcher.js'
import { newLeader, type Effect } from './leader-state.js'
import { begun, endOf, liveStatus, writeStatus } from './leader-status.js'
import { onGone, onMessage, onStall, onTick } from './leader.js'
import { requireDescriptors } from './limits.js'
import { acquireLock } from './lock.js'
import { markersThere } from './markers.js'
import { inOrder } from './order.js'
import { newOutbox } from './outbox.js'
import { encodeHead, parseFromAgent } from './protocol.js'
import { openRankLog } from './rank-log.js'
import { makeKeys, ownAddresses, writeRendezvous } from './rendezvous.js'
import { snapshotOf } from './snapshot.js'
import { listen } from './socket.js'
import { serveStatus, statusPath } from './status-server.js'
import { replayJournal, takeStock } from './stock.js'
import { onStop } from './stop.js'

export interface LeaderOptions {
  readonly exp: Experiment
  /** On one machine: bind to 127.0.0.1 and nothing else. */
  readonly loopback: boolean
  /** Started by our own launcher: it tells of exits on descriptor 3 and shows our events from 4. */
  readonly lifeline: boolean
  /** That the ranks were launched for: a leader of a later one has taken over from another among the same agents. */
  readonly epoch: number
}

const CRASH_LIMIT = 3
/** RUNs that a slot gets at once where they are tiny: they last longer than an answer waits for company. */
const PREFETCH = 256
const TICK_MS = 1000
const LAG_MS = 10
/** Acks wait this long for company, mostly the next RUN: a frame of their own costs more than they do. */
const ACK_MS = 2000
/** What people see need not be newer. */
const SHOW_MS = 100
/** After `stop`, agents have their grace of 60 s; then we end without them. */
const STOP_LIMIT_MS = 75_000
/** Without any agent, after there were some, for this many leases: agents may be fenced and come back. */
const LEASES_ALONE = 5
/** For the last messages to leave the sockets. */
const CLOSE_LIMIT_MS = 3_000

/** Run the leader to its end. It performs the effects of leader.ts and decides nothing. */
export async function leaderMain(options: LeaderOptions): Promise<number> {
  const { exp, loopback, lifeline } = options
  const engine = layout.engine(exp.path)
  const { LEASE, MAX_FAILED, ORDER, ON_ALERT, PROCS, PPN, RANKS, TMP_ROOT } = exp.settings
  requireDescriptors(RANKS === 'node' ? Math.ceil(PROCS / PPN) + 1 : PROCS)
  const log = openRankLog(layout.out(exp.path, 0))
  let begin: () => void = () => undefined
  const ready = new Promise<void>(resolve => {
    begin = resolve
  })
  // an agent may have died before there is a leader that could be told
  const launcher = connectLauncher(lifeline, message => void ready.then(() => onLauncher(message)))
  const lock = await acquireLock(engine, text => log.line(text))
  const marked = markersThere(exp.path)
  const plan = readPlanWithId(exp.path)
  const said = replayJournal(exp.path)
  const job = schedulerJob()
  // our own launcher ends the agents of a dead leader; others keep them
  const haveAgentsLived = !lifeline && lock.epoch !== options.epoch
  const keepers = haveAgentsLived ? job : undefined
  const there = await marked
  const stock = takeStock(exp, plan.runs, plan.id, said, keepers, run => there.has(run))
  for (const note of stock.notes) log.line(note)
  optimiseLate() // taking stock is one long loop that wants its compiler soon
  if (Math.max(plan.runs.length, PROCS) <= 5000) staySmall() // it collects its garbage within some ms
  const journal = await openJournal(layout.journal(exp.path), alert)
  const started = new Date()
  const now = () => performance.now() / 1000
  const lag = watchLag(LAG_MS)
  const leader = newLeader(
    inOrder(ORDER, exp.path, plan.runs),
    {
      crashLimit: CRASH_LIMIT,
      beat: LEASE[0],
      suspect: LEASE[1],
      lost: LEASE[2],
      maxFailed: MAX_FAILED < 0 ? Infinity : MAX_FAILED,
      deadline: deadlineOf(exp.settings.WALLTIME, process.env, now()),
      prefetch: PREFETCH,
    },
    stock,
    now(),
  )
  let over: () => void = () => undefined
  const ended = new Promise<void>(resolve => {
    over = resolve
  })

  /** What is done when the records appended last are durable. */
  let group: { readonly durable: Promise<void>; readonly then: Effect[] } | undefined
  let strangers = 0
  const own = ownAddresses(exp.settings.INTERFACE)
  const socket = await listen(
    makeKeys(engine),
    loopback ? ['127.0.0.1'] : own.all,
    (from, frame) => {
      const message = parseFromAgent(frame)
      if (message?.exp !== exp.id || message.epoch !== lock.epoch) strangers++
      else if (!from.endsWith(`-${message.nonce}`)) strangers++
      else for (const body of message.bodies) perform(onMessage(leader, from, body, now()))
    },
  )
  const head = encodeHead({ exp: exp.id, epoch: lock.epoch, nonce: '' })
  const ackMs = Math.min(ACK_MS, LEASE[0] * 500) // before the next beat, or the answer is said again
  const outbox = newOutbox(head, ackMs, (to, frame) => socket.send(to, frame))
  const carried = stock.finished.size
  const status = () =>
    liveStatus(leader, exp, { lag, strangers: strangers + socket.dropped(), carried })
  const server = await serveStatus(statusPath(TMP_ROOT, exp.id, lock.epoch), status)
  await journal.append({
    ...{ type: 'began', epoch: lock.epoch, job, plan: plan.id },
    ...{ host: hostname(), time: started.toISOString() },
    counts: { runs: leader.runs.size, finished: carried, begun: begun(leader) },
  })
  const rendezvous = {
    addresses: socket.addresses,
    ...(own.arePreferred && { preferred: true as const }),
    epoch: lock.epoch,
    status: { host: hostname(), path: server.path },
  }
  await patiently(() => writeRendezvous(engine, rendezvous), undefined, BRIEFLY_MS)
  for (const record of snapshotOf(stock)) void journal.append(record).catch(onJournalFault)
  log.line(
    `leading ${exp.id}: ${plural(plan.runs.length, 'RUN')}, ${carried} finished already, ${stock.orphans.size} perhaps still running`,
  )
  log.line(`backend ${exp.backendWhy}`)
  begin()
  launcher.say({ type: 'begin', runs: plan.runs.length, finished: [...stock.finished.keys()] })

  function perform(effects: readonly Effect[]): void {
    for (const effect of effects) performOne(effect)
  }

  function performOne(effect: Effect): void {
    switch (effect.do) {
      case 'send':
        outbox.post(effect.to, JSON.stringify(effect.message), effect.message.type === 'ack')
        return
      case 'journal':
        whenDurable(journal.append(effect.record), effect.then)
        if (effect.record.type !== 'given' && effect.record.type !== 'finished')
          log.line(JSON.stringify(effect.record))
        return
      case 'settled':
        whenDurable(journal.settled(), effect.then)
        return
      case 'alert':
        alert(effect.text)
        return
      case 'changed':
        if (launcher.isThere) changed.add(effect.run)
        return
      case 'over':
        over()
        return
      default:
        unreachable(effect)
    }
  }

  /** Records that share a sync share what is done then: one closure for a thousand of them. */
  function whenDurable(durable: Promise<void>, then: readonly Effect[]): void {
    if (group?.durable === durable) {
      group.then.push(...then)
      return
    }
    const effects = [...then]
    group = { durable, then: effects }
    durable.then(() => perform(effects), onJournalFault)
  }

  function alert(said: string): void {
    const text = oneLine(said)
    log.line(`ALERT ${text}`)
    launcher.say({ type: 'alert', text })
    void appendFile(layout.alerts(exp.path), `${stamp()} ${text}\n`).catch(() => undefined)
    if (ON_ALERT !== '') callProgram(ON_ALERT, text, exp.path, why => log.line(why))
  }

  /** A journal that cannot be written is no reason to lose a sweep: markers are the truth. Stop in order. */
  function onJournalFault(error: unknown): void {
    perform(onStop(leader, 'stopped', `the journal cannot be written: ${messageOf(error)}`))
  }

  function stop(reason: string): void {
    perform(onStop(leader, 'stopped', reason))
    setTimeout(over, STOP_LIMIT_MS).unref()
  }

  /** The EXP is another leader's, or gone: nothing of ours may be written any more. */
  function fenced(): void {
    const text = `${exp.path} has no lock of ours any more: another leader has it, or it is gone`
    log.line(text)
    console.error(`upf-heds: ${text}`)
    process.exit(exitStatus(new HedError('PROTOCOL', text)))
  }

  function onLauncher(message: LauncherMessage): void {
    switch (message.type) {
      case 'exit': {
        const why = `rank ${message.rank}: ${message.how}`
        log.line(why)
        for (const agent of leader.agents.values())
          if (agent.pid === message.pid) perform(onGone(leader, agent.id, why))
        return
      }
      case 'no-workers':
        if (!leader.over && !leader.stopping) alert('no worker is left')
        perform(onStop(leader, 'stopped', 'no worker is left'))
        over()
        return
      case 'stop':
        stop(message.reason)
        return
    }
  }

  const changed = new Set<RunId>()
  const show = () => {
    for (const event of eventsOf(leader, changed)) launcher.say(event)
    changed.clear()
  }
  let last = now()
  let served = Infinity
  const timers = [
    watchStopFile(layout.stopFile(exp.path), stop),
    setInterval(() => {
      const late = now() - last - TICK_MS / 1000
      if (late > 1) onStall(leader, late)
      last = now()
      perform(onTick(leader, now()))
      if (leader.stopping?.fate === 'walltime') setTimeout(over, STOP_LIMIT_MS).unref()
      // ranks may come late; where all that came have gone, nobody need wait for the end of the job
      if (leader.agents.size > 0) served = now()
      else if (now() - served > LEASES_ALONE * LEASE[2]) onLauncher({ type: 'no-workers' })
    }, TICK_MS),
    setInterval(show, SHOW_MS),
    setInterval(() => {
      lock.beat().then(
        isOurs => isOurs || fenced(),
        (error: unknown) => log.line(`lock: ${messageOf(error)}`),
      )
    }, LEASE[0] * 1000),
  ]
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const) process.on(signal, () => stop(signal))
  process.on('SIGINT', () => {
    if (!lifeline) stop('SIGINT')
  })

  if (leader.counts.waiting + leader.counts.running === 0) over()
  await ended
  timers.forEach(clearInterval)
  show()
  const end = endOf(leader)
  const ending = () => writeStatus(end, exp, started, status())
  await patiently(ending, undefined, BRIEFLY_MS).catch((error: unknown) => {
    log.line(`status.json cannot be written: ${messageOf(error)}`)
  })
  launcher.say({ type: 'end', ...end })
  log.line(`ended: ${end.reason}; exit ${end.exit}`)
  // all that matters is on disk: nothing may hold the job up now
  setTimeout(() => process.exit(end.exit), CLOSE_LIMIT_MS).unref()
  // for agents that our last words do not reach
  await writeRendezvous(engine, { ...rendezvous, over: true }).catch(() => undefined)
  await journal.close().catch(() => undefined)
  outbox.flush()
  server.close()
  await socket.close()
  lock.release()
  await log.close()
  return end.exit
}

/** The scheduler's name for this job; '' where there is none. */
function schedulerJob(): string {
  return process.env['PBS_JOBID'] ?? process.env['SLURM_JOB_ID'] ?? ''
}
