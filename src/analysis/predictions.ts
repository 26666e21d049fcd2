import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import * as layout from '../experiment/layout.js'
import type { Params } from '../experiment/workflow.js'
import type { Categories } from '../table/column.js'
import { gapText } from './gaps.js'
import { parsePredictions } from './predictions-file.js'
import type { ReadableExp, RunState } from './run-state.js'

/** What a finished RUN said of the rows it was tested (or validated) on; row by row, in the order of the responses. */
export interface Predictions {
  readonly run: RunId
  /** Which drug or cell was held out, 0-based; null where rows were drawn at random. */
  readonly index: number | null
  readonly heldOut: HeldOutName
  /** Cell of each row; null where the file does not tell (validation rows of a RUN that holds a cell out). */
  readonly cells: Categories | null
  /** Drug of each row; null where the file does not tell (validation rows, random test rows). */
  readonly drugs: Categories | null
  readonly aucTrue: Float64Array
  readonly aucPred: Float64Array
}

export type HeldOutName =
  { readonly by: 'drug' | 'cell'; readonly name: string } | { readonly by: 'random' }

/** What a RUN holds out, as its UPF line resolved. */
export function heldOutName({ drug, cell }: Params): HeldOutName {
  if (typeof drug === 'string') return { by: 'drug', name: drug }
  if (typeof cell === 'string') return { by: 'cell', name: cell }
  return { by: 'random' }
}

/**
 * Predictions of one finished RUN.
 * @returns undefined where it has no such file @throws HedError DATA if the file is damaged
 */
export function predictionsOf(
  exp: Pick<ReadableExp, 'path'>,
  { run, plan: { resolved } }: Pick<RunState, 'run' | 'plan'>,
  which: 'test' | 'val',
): Predictions | undefined {
  const file = which === 'test' ? layout.testPredictions : layout.valPredictions
  const path = file(exp.path, run)
  const text = readIfThere(path)
  if (text === undefined) return undefined
  const { aucTrue, aucPred, labels } = parsePredictions(text, path)
  const heldOut = heldOutName(resolved)
  const all = (name: string) => ({ values: [name], codes: new Int32Array(aucTrue.length) })
  const one = which === 'test' && heldOut.by !== 'random' ? all(heldOut.name) : null
  const isCell = heldOut.by === 'cell'
  const index = typeof resolved['index'] === 'number' ? resolved['index'] : null
  return {
    ...{ run, index, heldOut, aucTrue, aucPred },
    cells: isCell ? one : labels,
    drugs: isCell ? labels : one,
  }
}

/** Told of a RUN that says nothing, and why: `RUN009: damaged (…)` */
export type OnGap = (gap: string) => void

/**
 * Predictions of every finished RUN, one RUN at a time, in UPF order. One whose file is damaged or not there is left out and
 * told of; RUNs of other workflows than hed have none.
 * @param states as runStates tells them
 */
export function* eachPredictions(
  exp: ReadableExp,
  which: 'test' | 'val',
  states: readonly RunState[],
  onGap: OnGap,
): Generator<Predictions, void> {
  for (const state of states) {
    if (state.state !== 'finished') continue
    let found
    try {
      found = predictionsOf(exp, state, which)
    } catch (error) {
      if (!(error instanceof HedError)) throw error
      onGap(`${state.run}: ${gapText({ state: 'damaged', damage: error.message })}`)
      continue
    }
    if (found) yield found
    else onGap(`${state.run}: finished, and has no ${which} predictions`)
  }
}
