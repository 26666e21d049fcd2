import { mean } from '../base/statistics.js'
import type { RunId } from '../base/ids.js'
import { csvLine } from './csv.js'
import { gapsOf } from './gaps.js'
import { historyOf } from './run-files.js'
import { runStates, type ReadableExp, type RunState } from './run-state.js'
import { bestLosses } from './upstream-state.js'

/**
 * How training went, by val_loss of each epoch:
 *
 *     early stop        the RUN stopped itself: no better val_loss for early_stopping_patience epochs
 *     still improving   the best of the last epochs is better than all before by more than IMPROVES: more epochs would help
 *     diverging         nothing better in the last epochs, and their mean is above the best by more than RISES
 *     plateau           nothing better in the last epochs: they were not needed
 *     converged         still the best, but hardly better
 *     too short         not more than LAST epochs
 */
const STATUSES = [
  'converged',
  'still improving',
  'plateau',
  'diverging',
  'early stop',
  'too short',
] as const
export type ConvergenceStatus = (typeof STATUSES)[number]

/** Epochs that are held against all before them. */
export const LAST = 5
/** Relative: losses of 0.0004 and of 400 are judged alike. */
const IMPROVES = 0.02
const RISES = 0.1

export interface Convergence {
  readonly run: RunId
  readonly index: number | null
  readonly state: RunState['state']
  readonly status: ConvergenceStatus
  readonly epochs: number
  /** 1-based; the first of equals. */
  readonly best_epoch: number
  readonly best_val_loss: number
  readonly last_val_loss: number
  /** By how much the best of the last epochs is below the best before them, as a share; negative: above. null: too short. */
  readonly gain: number | null
  /** By how much the mean of the last epochs is above the best of all, as a share. null: too short. */
  readonly rise: number | null
  /** Sum over the epochs; null where not known. */
  readonly seconds: number | null
}

export interface Convergences {
  /** In UPF order; RUNs of which no epoch is known are left out. */
  readonly runs: readonly Convergence[]
  readonly counts: Readonly<Record<ConvergenceStatus, number>>
  /** RUNs that have not finished: what is told of them may change. */
  readonly gaps: readonly string[]
  /** RUNs that have finished and of which no val_loss can be read: they are not in `runs`. */
  readonly unknown: readonly RunId[]
  /** RUNs of the original workflow without history.txt, judged by checkpoints: of these none can be seen to diverge. */
  readonly byCheckpoints: readonly RunId[]
}

export function convergenceOf(exp: ReadableExp): Convergences {
  const states = runStates(exp)
  const byCheckpoints: RunId[] = []
  const unknown: RunId[] = []
  const runs = states.flatMap(state => {
    const history = historyOf(exp.path, state.run)
    const isKnown = !('type' in exp) || (history?.val_loss.length ?? 0) > 0
    const losses = isKnown ? (history?.val_loss ?? []) : bestLosses(exp.path, state.run)
    if (losses.length === 0) {
      if (state.state === 'finished') unknown.push(state.run)
      return []
    }
    if (!isKnown) byCheckpoints.push(state.run)
    return [judge(state, losses, history?.seconds ?? [])]
  })
  const counts = Object.fromEntries(STATUSES.map(status => [status, 0])) as Record<
    ConvergenceStatus,
    number
  >
  for (const { status } of runs) counts[status]++
  return { runs, counts, gaps: gapsOf(states), unknown, byCheckpoints }
}

function judge(
  { run, plan, state, early }: RunState,
  losses: readonly number[],
  seconds: readonly number[],
): Convergence {
  const index = plan.resolved['index']
  const best = lowest(losses)
  return {
    ...{ run, index: typeof index === 'number' ? index : null, state },
    ...judgeCurve(losses, early),
    epochs: losses.length,
    best_epoch: losses.indexOf(best) + 1,
    best_val_loss: best,
    last_val_loss: losses.at(-1)!,
    seconds: seconds.length > 0 ? seconds.reduce((a, b) => a + b, 0) : null,
  }
}

/** @param losses val_loss of each epoch @param early the RUN stopped itself */
export function judgeCurve(
  losses: readonly number[],
  early: boolean,
): Pick<Convergence, 'status' | 'gain' | 'rise'> {
  if (losses.length <= LAST)
    return { status: early ? 'early stop' : 'too short', gain: null, rise: null }
  const last = losses.slice(-LAST)
  const before = lowest(losses.slice(0, -LAST))
  const gain = share(before - lowest(last), before)
  const rise = share(mean(last) - lowest(losses), lowest(losses))
  const status = early
    ? 'early stop'
    : gain > IMPROVES
      ? 'still improving'
      : gain > 0
        ? 'converged'
        : rise > RISES
          ? 'diverging'
          : 'plateau'
  return { status, gain, rise }
}

/** A loss of 0 cannot get better. */
function share(difference: number, of: number): number {
  return difference === 0 ? 0 : difference / Math.abs(of)
}

function lowest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity)
}

const COLUMNS = [
  ...['run', 'index', 'state', 'status', 'epochs', 'best_epoch'],
  ...['best_val_loss', 'last_val_loss', 'gain', 'rise', 'seconds'],
] as readonly (keyof Convergence)[]

export function convergenceCsv({ runs }: Convergences): string {
  return [COLUMNS.join(','), ...runs.map(r => csvLine(COLUMNS.map(c => r[c]))), ''].join('\n')
}

/** A row a RUN, for people. */
export function convergenceRows({ runs }: Convergences): string[][] {
  const share = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`)
  return [
    ['run', 'epochs', 'best', 'val_loss', 'gain', 'rise', 'status'],
    ...runs.map(r => [
      ...[r.run, String(r.epochs), String(r.best_epoch), r.best_val_loss.toPrecision(5)],
      ...[
        share(r.gain),
        share(r.rise),
        r.state === 'finished' ? r.status : `${r.status} (${r.state})`,
      ],
    ]),
  ]
}

/** `early stop: 63 (8.2 %)` */
export function countLines({ runs, counts }: Convergences): string[] {
  return STATUSES.filter(status => counts[status] > 0).map(
    status =>
      `${status}: ${counts[status]} (${((100 * counts[status]) / runs.length).toFixed(1)} %)`,
  )
}
