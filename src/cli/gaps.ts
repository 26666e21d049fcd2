import { gapsOf } from '../analysis/gaps.js'
import { runStates, type ReadableExp, type RunState } from '../analysis/run-state.js'

/** RUNs of an EXP; those that have no results are named on stderr. */
export function namesGaps(exp: ReadableExp): RunState[] {
  const states = runStates(exp)
  tellGaps(gapsOf(states))
  return states
}

/** @param gaps `RUN009: failed` */
export function tellGaps(gaps: readonly string[]): void {
  gaps.forEach(tellGap)
}

/** @param gap `RUN009: failed` */
export function tellGap(gap: string): void {
  console.error(`no results: ${gap}`)
}
