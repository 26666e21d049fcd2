import { HedError } from '../base/errors.js'
import { heldOutName, type HeldOutName } from './predictions.js'
import { scoresOf } from './run-files.js'
import { runStates, type ReadableExp } from './run-state.js'

export interface Extracted {
  /**
   * By index, then id. `by`: what the index counts; by kind first: drugs, cells, random.
   */
  readonly rows: readonly {
    readonly run: string
    readonly by: HeldOutName['by']
    readonly index: number | null
    readonly value: number
  }[]
  /** Indices of drugs and of cells meet in one EXP: a line has the id of its RUN instead. */
  readonly mixed: boolean
  /** Several RUNs hold the same out: an index does not tell them apart. */
  readonly repeated: boolean
  /** RUNs without this score, and why. */
  readonly gaps: readonly string[]
}

/** One test score of every finished RUN. @throws HedError USAGE if no RUN has such a metric */
export function extractScores(exp: ReadableExp, metric: string): Extracted {
  const rows: Extracted['rows'][number][] = []
  const gaps: string[] = []
  const names = new Set<string>()
  const states = runStates(exp)
  for (const { run, state, plan } of states) {
    const scores = state === 'finished' ? scoresOf(exp.path, run, 'test') : undefined
    if (scores === undefined) {
      gaps.push(`${run}: ${state === 'finished' ? 'test_scores.json cannot be read' : state}`)
      continue
    }
    for (const [name, value] of Object.entries(scores))
      if (typeof value === 'number' || value === null) names.add(name)
    const value = scores[metric]
    const { by } = heldOutName(plan.resolved)
    const index = typeof plan.resolved['index'] === 'number' ? plan.resolved['index'] : null
    if (typeof value === 'number') rows.push({ run, by, index, value })
    else gaps.push(`${run}: ${metric} is ${value === null ? 'undefined' : 'not there'}`)
  }
  if (rows.length === 0 && names.size > 0 && !names.has(metric))
    throw new HedError('USAGE', `metric not found: "${metric}"`, {
      hint: `There are ${[...names].join(', ')}.`,
    })
  const place = (row: Extracted['rows'][number]) => row.index ?? Number.MAX_VALUE
  rows.sort(
    (a, b) =>
      KINDS.indexOf(a.by) - KINDS.indexOf(b.by) || place(a) - place(b) || (a.run < b.run ? -1 : 1),
  )
  const kinds = new Set(states.map(s => heldOutName(s.plan.resolved).by))
  const held = states.map(s => s.plan.resolved['index'] ?? s.run)
  const mixed = kinds.has('drug') && kinds.has('cell')
  return { rows, gaps, mixed, repeated: !mixed && new Set(held).size < held.length }
}

const KINDS = ['drug', 'cell', 'random']

/**
 * `000,0.012345678`: the original's form. It begins with the id of a RUN that has no index, or whose index would be taken for
 * another's.
 * @param withRuns the id of the RUN as a third field, to tell RUNs of one index apart
 */
export function scoreLines(
  { rows, mixed, repeated }: Extracted,
  withRuns: boolean = repeated,
): string[] {
  return rows.map(({ run, index, value }) => {
    const name = index === null || mixed ? run : String(index).padStart(3, '0')
    return `${name},${value.toFixed(9)}${withRuns ? `,${run}` : ''}`
  })
}
