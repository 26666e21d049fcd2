import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import { countJournal } from '../experiment/journal-counts.js'
import * as layout from '../experiment/layout.js'
import { parseUpf } from '../experiment/upf.js'
import type { LeaderSign, LiveStatus } from '../experiment/live-status.js'
import { runStates } from './run-state.js'
import { readStatus, type StatusFile } from './status-file.js'

/** How far an EXP is: the labels of the upstream report, and ours. */
export interface Progress {
  readonly dir: string
  /** Of the scheduler; null without one. */
  readonly job: string | null
  readonly json: string
  readonly procs: number
  readonly ppn: number
  /** Epochs that a RUN is asked for; the largest. */
  readonly epochs: number
  /** Logs in out/. */
  readonly outs: number
  readonly runs: number
  /** RUNs that were begun. */
  readonly news: number
  readonly done: number
  readonly failed: number
  readonly running: number
  /** Begun once, and neither running nor at an end: they go on where they were. */
  readonly interrupted: number
  /** Their marker does not fit what lies there: seen only where their files are read. */
  readonly damaged: number
  /** Never begun. */
  readonly notStarted: number
  /** Why it ended, and when; null while it runs or if its leader died. */
  readonly ended: { readonly reason: string; readonly exit: number; readonly time: string } | null
  /** Does a leader serve it? null: one on another host, which cannot be asked. */
  readonly led: boolean | null
  /** Seconds that the last leader has led, or did; null where nobody tells. */
  readonly time: number | null
  readonly alerts: number
  /** Seconds left as fast as it went so far; null where unknown. */
  readonly eta: number | null
  /** Who told the counts. */
  readonly source: 'leader' | 'status' | 'journal' | 'files'
  /** What its leader says, where it can be asked. */
  readonly live?: LiveStatus
}

/**
 * The counts come from whoever knows them first: the leader, status.json that it left, its journal; else the
 * files of every RUN, which takes minutes where there are many on a slow disk.
 *
 * @param now what its leader says, and its lock
 * @param verify look at every RUN's files whatever others say, and at each byte that its marker vouches for
 */
export function progressOf(
  exp: Experiment,
  now: { readonly live: LiveStatus | undefined; readonly sign: LeaderSign | undefined },
  verify = false,
): Progress {
  const status = readStatus(exp.path)
  const led = now.live ? true : now.sign ? (now.sign.isAlive ?? null) : false
  const isOver = led === false
  const counts = verify
    ? fromFiles(exp, !isOver, true)
    : quick(exp, now.live, isOver ? status : undefined, !isOver)
  const { runs, begun, finished, failed, damaged = 0 } = counts
  const running = isOver ? 0 : counts.running
  const interrupted = Math.max(0, begun - finished - failed - damaged - running)
  return {
    dir: exp.path,
    json: join(exp.path, exp.dflts.name),
    procs: exp.settings.PROCS,
    ppn: exp.settings.PPN,
    epochs: epochsOf(exp),
    outs: logsOf(exp.path),
    runs,
    news: begun,
    done: finished,
    failed,
    running,
    interrupted,
    damaged,
    notStarted: runs - finished - failed - damaged - running - interrupted,
    ended:
      isOver && status ? { reason: status.reason, exit: status.exit, time: status.ended } : null,
    led,
    time: counts.seconds,
    alerts: (readIfThere(layout.alerts(exp.path)) ?? '').split('\n').length - 1,
    eta: isOver ? null : counts.left,
    source: counts.source,
    job: jobOf(exp.path) ?? (counts.job === '' ? null : counts.job),
    ...(now.live === undefined ? {} : { live: now.live }),
  }
}

/** Ranks that left a log, whole or thinned. */
export function logsOf(exp: string): number {
  const folder = layout.outDirectory(exp)
  const names = (existsSync(folder) ? readdirSync(folder) : []).flatMap(
    name => /^(?:out|summary)-(.*)$/.exec(name)?.[1] ?? [],
  )
  return new Set(names).size
}

interface Counts {
  readonly runs: number
  readonly begun: number
  readonly finished: number
  readonly failed: number
  readonly running: number
  readonly damaged?: number
  readonly seconds: number | null
  /** Seconds that the rest takes. */
  readonly left: number | null
  readonly job: string
  readonly source: Progress['source']
}

function quick(
  exp: Experiment,
  live: LiveStatus | undefined,
  status: StatusFile | undefined,
  isLed: boolean,
): Counts {
  if (live) return fromLeader(live)
  if (status) return fromStatus(status)
  const counts = countJournal(layout.journal(exp.path))
  if (!counts) return fromFiles(exp, isLed)
  const { runs, finished, failed, done, seconds } = counts
  const left = rest(runs - finished - failed, done + failed, seconds)
  return { ...counts, left, source: 'journal' }
}

function fromLeader({ counts, begun, carried, seconds, running }: LiveStatus): Counts {
  const { waiting, finished, failed } = counts
  const shares = running.map(({ progress: p }) =>
    p?.epochs === undefined ? 0 : Math.min(1, ((p.epoch ?? 0) + (p.part ?? 0)) / p.epochs),
  )
  const part = sum(shares)
  const todo = waiting + counts.running - part
  return {
    ...{ runs: waiting + counts.running + finished + failed, begun, finished, failed },
    running: counts.running,
    seconds,
    left: rest(todo, finished + failed - carried + part, seconds),
    job: '',
    source: 'leader',
  }
}

function fromStatus(status: StatusFile): Counts {
  const { finished, failed, notStarted, started, ended } = status
  const begun = status.begun ?? finished + failed
  return {
    ...{ runs: finished + failed + notStarted, begun, finished, failed, running: 0 },
    seconds: (Date.parse(ended) - Date.parse(started)) / 1000,
    left: null,
    job: '',
    source: 'status',
  }
}

function fromFiles(exp: Experiment, isLed: boolean, verify = false): Counts {
  const states = runStates(exp, verify, isLed)
  const count = (state: (typeof states)[number]['state']) =>
    states.filter(s => s.state === state).length
  const times = states.flatMap(s => s.epochSeconds ?? [])
  const epochs = sum(
    states
      .filter(s => s.state !== 'finished' && s.state !== 'failed')
      .map(s => Math.max(0, Number(s.plan.params['epochs'] ?? 0) - s.epochs)),
  )
  const workers = Math.max(1, exp.settings.PROCS - 1)
  return {
    runs: states.length,
    begun: states.length - count('not started'),
    finished: count('finished'),
    failed: count('failed'),
    running: count('running'),
    damaged: count('damaged'),
    seconds: null,
    left: times.length === 0 ? null : (epochs * (sum(times) / times.length)) / workers,
    job: '',
    source: 'files',
  }
}

/** Nothing is told of the rest before a little of it was done. */
const LEAST_DONE = 0.05

function rest(todo: number, done: number, seconds: number): number | null {
  return done > LEAST_DONE ? (seconds / done) * todo : null
}

/** The most that any RUN is to have: UPF line over DFLTS over the model. */
function epochsOf(exp: Experiment): number {
  let shared = exp.defaults['epochs']
  try {
    const dflts = JSON.parse(readIfThere(join(exp.path, exp.dflts.name)) ?? '{}') as object
    if ('epochs' in dflts) shared = Number(dflts.epochs)
  } catch {
    // it was right when the EXP was made; what is told here is no more than a label
  }
  const upf = readIfThere(join(exp.path, exp.upf.name)) ?? ''
  if (!upf.includes('"epochs"')) return Number(shared ?? 0)
  const epochs = parseUpf(upf, '').lines.map(line => Number(line.values['epochs'] ?? shared ?? 0))
  return epochs.reduce((a, b) => Math.max(a, b), 0)
}

/** `1234567` of `1234567.server`. */
export function jobOf(exp: string): string | undefined {
  return readIfThere(layout.jobId(exp))?.split(/[.\n]/)[0]
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
