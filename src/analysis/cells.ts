import { eachPredictions, type OnGap } from './predictions.js'
import type { ReadableExp, RunState } from './run-state.js'

/** Cells that finished RUNs were tested on, in order of first appearance. */
export function testedCells(exp: ReadableExp, states: readonly RunState[], onGap: OnGap): string[] {
  const found = new Set<string>()
  for (const { cells } of eachPredictions(exp, 'test', states, onGap))
    for (const cell of cells?.values ?? []) found.add(cell)
  return [...found]
}
