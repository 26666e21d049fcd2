import { readIfThere } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import type { PlannedRun } from '../experiment/plan.js'

/**
 * The order in which RUNs are given out: as in the UPF, or the longest first, so that the last hour of a
 * sweep is not one long RUN on one rank. How long a RUN will take is told by its own past epochs, else by
 * the mean of all past epochs, times the epochs that are left.
 */
export function inOrder(
  order: 'upf' | 'longest',
  exp: string,
  plan: readonly PlannedRun[],
): readonly PlannedRun[] {
  if (order === 'upf') return plan
  const past = new Map(plan.map(p => [p.run, epochSeconds(layout.history(exp, p.run))]))
  const all = [...past.values()].flat()
  const mean = all.length > 0 ? sum(all) / all.length : 1
  const left = new Map(
    plan.map(({ run, params }) => {
      const own = past.get(run) ?? []
      const epochs = Math.max(0, Number(params['epochs'] ?? 1) - own.length)
      return [run, epochs * (own.length > 0 ? sum(own) / own.length : mean)]
    }),
  )
  return plan.toSorted((a, b) => left.get(b.run)! - left.get(a.run)!)
}

/** Seconds of each epoch so far. */
function epochSeconds(history: string): readonly number[] {
  const text = readIfThere(history)
  if (text === undefined) return []
  try {
    const { seconds } = JSON.parse(text) as { seconds?: number[] }
    return (seconds ?? []).filter(Number.isFinite)
  } catch {
    return []
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
