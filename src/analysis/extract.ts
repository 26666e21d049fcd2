import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { runStates } from './run-state.js'

export interface Extracted {
  /** By index, then id. */
  readonly rows: readonly { readonly run: string; readonly index: number; readonly value: number }[]
  /** RUNs without this score, and why. */
  readonly gaps: readonly string[]
}

/** One test score of every finished RUN. @throws HedError USAGE if no RUN has such a metric */
export function extractScores(exp: Experiment, metric: string): Extracted {
  const rows: { run: string; index: number; value: number }[] = []
  const gaps: string[] = []
  const names = new Set<string>()
  for (const { run, state } of runStates(exp)) {
    const text = state === 'finished' ? readIfThere(layout.testScores(exp.path, run)) : undefined
    if (text === undefined) {
      gaps.push(`${run}: ${state}`)
      continue
    }
    const scores = JSON.parse(text) as Record<string, unknown>
    for (const [name, value] of Object.entries(scores))
      if (typeof value === 'number' || value === null) names.add(name)
    const value = scores[metric]
    if (typeof value === 'number') rows.push({ run, index: Number(scores['index']), value })
    else gaps.push(`${run}: ${metric} is ${value === null ? 'undefined' : 'not there'}`)
  }
  if (rows.length === 0 && names.size > 0 && !names.has(metric))
    throw new HedError('USAGE', `metric not found: "${metric}"`, {
      hint: `There are ${[...names].join(', ')}.`,
    })
  rows.sort((a, b) => a.index - b.index || (a.run < b.run ? -1 : 1))
  return { rows, gaps }
}

/** `000,0.012345678` */
export function scoreLine({ index, value }: Extracted['rows'][number]): string {
  return `${String(index).padStart(3, '0')},${value.toFixed(9)}`
}
