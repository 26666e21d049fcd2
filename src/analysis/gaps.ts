import type { RunState } from './run-state.js'

/** RUNs that have no results: no mean is shown without naming them. `RUN009: failed` */
export function gapsOf(states: readonly RunState[]): string[] {
  return states.filter(s => s.state !== 'finished').map(s => `${s.run}: ${gapText(s)}`)
}

/** `failed`, `damaged (test_scores.json is missing (ENOENT))` */
export function gapText({ state, damage }: Pick<RunState, 'state' | 'damage'>): string {
  return damage === '' ? state : `${state} (${damage})`
}
