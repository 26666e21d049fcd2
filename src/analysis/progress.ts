import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { runStates } from './run-state.js'

/** How far an EXP is: the labels of the upstream report, and ours. */
export interface Progress {
  readonly dir: string
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
  readonly notStarted: number
  /** Why it ended, and when; null while it runs or if its leader died. */
  readonly ended: { readonly reason: string; readonly exit: number; readonly time: string } | null
  readonly alerts: number
  /** Seconds left at the mean epoch so far; null where unknown. */
  readonly eta: number | null
}

export function progressOf(exp: Experiment): Progress {
  const states = runStates(exp)
  const count = (state: (typeof states)[number]['state']) =>
    states.filter(s => s.state === state).length
  const status = readStatus(exp.path)
  const isOver = status !== null
  const epochsOf = (s: (typeof states)[number]) => Number(s.plan.params['epochs'] ?? 0)
  const times = states.flatMap(s => s.epochSeconds ?? [])
  const mean = times.length > 0 ? times.reduce((a, b) => a + b, 0) / times.length : undefined
  const left = states
    .filter(s => s.state === 'running' || s.state === 'not started')
    .reduce((sum, s) => sum + Math.max(0, epochsOf(s) - s.epochs), 0)
  const workers = Math.max(1, exp.settings.PROCS - 1)
  return {
    dir: exp.path,
    json: join(exp.path, exp.dflts.name),
    procs: exp.settings.PROCS,
    ppn: exp.settings.PPN,
    epochs: Math.max(0, ...states.map(epochsOf)),
    outs: readdirSync(layout.outDirectory(exp.path)).length,
    runs: states.length,
    news: states.length - count('not started'),
    done: count('finished'),
    failed: count('failed'),
    running: isOver ? 0 : count('running'),
    notStarted: count('not started') + (isOver ? count('running') : 0),
    ended: status,
    alerts: (readIfThere(layout.alerts(exp.path)) ?? '').split('\n').length - 1,
    eta: isOver || mean === undefined ? null : (left * mean) / workers,
  }
}

function readStatus(exp: string): Progress['ended'] {
  const text = readIfThere(layout.status(exp))
  if (text === undefined) return null
  const { reason, exit, ended } = JSON.parse(text) as {
    reason: string
    exit: number
    ended: string
  }
  return { reason, exit, time: ended }
}

/** For people; label and value, upstream's labels first. */
export function progressLines(p: Progress): [string, string][] {
  return [
    ['DIR:', p.dir],
    ['JSON:', p.json],
    ['PROCS:', String(p.procs)],
    ['PPN:', String(p.ppn)],
    ['epochs:', String(p.epochs)],
    ['OUTs:', String(p.outs)],
    ['RUNs:', String(p.runs)],
    ['NEWs:', String(p.news)],
    ['DONE:', String(p.done)],
    ['MKRs:', String(p.done)],
    ['failed:', String(p.failed)],
    ['running:', String(p.running)],
    ['not started:', String(p.notStarted)],
    ...(p.alerts > 0 ? [['alerts:', String(p.alerts)] as [string, string]] : []),
    ...(p.eta === null ? [] : [['ETA:', `${Math.round(p.eta)} s`] as [string, string]]),
    ...(p.ended === null
      ? []
      : [
          ['STOP:', `${p.ended.reason} (exit ${p.ended.exit}) at ${p.ended.time}`] as [
            string,
            string,
          ],
        ]),
  ]
}
