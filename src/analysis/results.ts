import { join, parse } from 'node:path'
import * as layout from '../experiment/layout.js'
import type { Categories } from '../table/column.js'
import { readParquet } from '../table/parquet.js'
import { writeTable, type TablePart } from '../table/table-stream.js'
import { eachPredictions, type OnGap, type Predictions } from './predictions.js'
import { runTable } from './run-table.js'
import type { ReadableExp, RunState } from './run-state.js'

export interface Written {
  readonly file: string
  readonly rows: number
}

/** Of an EXP: `results.parquet` and `runs.parquet` in it. */
export function resultFiles(exp: string): Files {
  return [layout.resultsFile(exp), layout.runsFile(exp)]
}

/** Where the user wants them: `hed.parquet` and `hed-runs.parquet`. */
export function resultFilesAt(path: string): Files {
  const { dir, name, ext } = parse(path)
  return [path, join(dir, `${name}-runs${ext}`)]
}

type Files = readonly [predictions: string, runs: string]

/**
 * All predictions of finished RUNs as one tidy table, and all RUNs as another.
 * @param withVal the validation rows too @param onShare told how much is done, 0 … 1 @throws HedError DATA
 */
export async function writeResults(
  exp: ReadableExp,
  states: readonly RunState[],
  [first, second]: Files,
  withVal: boolean,
  onGap: OnGap,
  onShare: (share: number) => void = () => undefined,
): Promise<readonly Written[]> {
  const parts = predictionParts(exp, states, withVal, onGap, onShare)
  return [
    { file: first, rows: await writeTable(first, parts) },
    { file: second, rows: await writeTable(second, [runTable(exp, states)]) },
  ]
}

/** One part a RUN and split. */
async function* predictionParts(
  exp: ReadableExp,
  states: readonly RunState[],
  withVal: boolean,
  onGap: OnGap,
  onShare: (share: number) => void,
): AsyncGenerator<TablePart, void> {
  let isEmpty = true
  for (const [done, state] of states.entries()) {
    onShare(done / states.length)
    for (const split of withVal ? (['test', 'val'] as const) : (['test'] as const))
      for (const found of eachPredictions(exp, split, [state], onGap)) {
        yield partOf({ ...found, drugs: found.drugs ?? (await drugsOf(exp, found, split)) }, split)
        isEmpty = false
      }
  }
  // a file without rows has its columns all the same
  if (isEmpty) yield partOf(NONE, 'test')
}

function partOf(predictions: Omit<Predictions, 'heldOut'>, split: string): TablePart {
  const { run, index, cells, drugs, aucTrue, aucPred } = predictions
  const rows = aucTrue.length
  const all = (value: string): Categories => ({ values: [value], codes: new Int32Array(rows) })
  const unknown = { values: [], codes: new Int32Array(rows).fill(-1) }
  return {
    run: { type: 'text', data: all(run) },
    index: { type: 'integer', data: new Int32Array(rows).fill(index ?? -1) },
    drug: { type: 'text', data: drugs ?? unknown },
    cell: { type: 'text', data: cells ?? unknown },
    auc_true: { type: 'number', data: aucTrue },
    auc_pred: { type: 'number', data: aucPred },
    error: { type: 'number', data: aucPred.map((value, row) => value - aucTrue[row]!) },
    split: { type: 'text', data: all(split) },
  }
}

const NONE = {
  ...{ run: '' as Predictions['run'], index: null, cells: null, drugs: null },
  ...{ aucTrue: new Float64Array(), aucPred: new Float64Array() },
}

/** Test rows that were drawn at random: their drugs stand in the RUN's test rows, in the same order. */
async function drugsOf(
  exp: ReadableExp,
  { run, heldOut, aucTrue }: Predictions,
  split: 'test' | 'val',
): Promise<Categories | null> {
  if (split === 'val' || heldOut.by !== 'random' || aucTrue.length === 0) return null
  return (await readParquet(layout.testRows(exp.path, run))).categories('improve_chem_id')
}
