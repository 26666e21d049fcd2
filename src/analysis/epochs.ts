import { runStates, type ReadableExp } from './run-state.js'

export interface EpochRow {
  readonly run: string
  readonly epochs: number
  readonly early: boolean
}

/** Completed epochs of every RUN with at least `least`, most first, then by id. */
export function epochRows(exp: ReadableExp, least: number): EpochRow[] {
  return runStates(exp)
    .filter(s => s.epochs >= least)
    .map(({ run, epochs, early }) => ({ run, epochs, early }))
    .sort((a, b) => b.epochs - a.epochs || (a.run < b.run ? -1 : 1))
}

/** `RUN000 20 [EARLY]` a line, then totals. */
export function epochLines(rows: readonly EpochRow[]): string[] {
  const total = rows.reduce((sum, r) => sum + r.epochs, 0)
  const early = rows.filter(r => r.early).length
  return [
    ...rows.map(r => `${r.run} ${r.epochs}${r.early ? ' EARLY' : ''}`),
    `RUNs: ${rows.length}`,
    `epochs: ${total}`,
    `earlies: ${early} / ${rows.length}`,
  ]
}
