import { HedError } from '../base/errors.js'
import { eachPredictions, heldOutName, type OnGap, type Predictions } from './predictions.js'
import type { ReadableExp, RunState } from './run-state.js'

export interface TopDrug {
  /** The first in UPF order of those that tell of the drug. */
  readonly run: string
  /** All of them: seeds of one drug, say. */
  readonly runs: readonly string[]
  readonly drug: string
  readonly aucTrue: number
  readonly aucPred: number
  readonly cell: string
}

/**
 * The drugs that a cell responds to most (lowest AUC first), by true or predicted response: of RUNs that hold
 * a drug out, those with the cell; of RUNs that hold a cell out, its own.
 * The cell is matched exactly; replicates of one drug are averaged, in all RUNs that tell of it.
 *
 * @param states as runStates tells them
 * @throws HedError USAGE if no finished RUN tells of the cell's drugs
 */
export function topDrugs(
  exp: ReadableExp,
  type: 'true' | 'pred',
  cell: string,
  count: number,
  states: readonly RunState[],
  onGap: OnGap,
): TopDrug[] {
  const drugs = new Map<string, Sums>()
  const telling = states.filter(({ plan: { resolved } }) => {
    const held = heldOutName(resolved)
    return held.by !== 'cell' || held.name === cell
  })
  for (const predictions of eachPredictions(exp, 'test', telling, onGap))
    addResponses(drugs, predictions, cell)
  const found = Array.from(drugs, ([drug, { runs, rows, aucTrue, aucPred }]): TopDrug => {
    const means = { aucTrue: aucTrue / rows, aucPred: aucPred / rows }
    return { run: runs[0]!, runs, drug, ...means, cell }
  })
  if (found.length === 0)
    throw new HedError('USAGE', `${exp.path}: no finished RUN has the cell "${cell}"`, {
      hint: 'Cells are the labels in run/*/test_y_data_predicted.csv of RUNs that hold a drug out.',
    })
  const value = type === 'true' ? (d: TopDrug) => d.aucTrue : (d: TopDrug) => d.aucPred
  const after = (a: TopDrug, b: TopDrug) => (a.run === b.run ? a.drug > b.drug : a.run > b.run)
  return found.sort((a, b) => value(a) - value(b) || (after(a, b) ? 1 : -1)).slice(0, count)
}

interface Sums {
  readonly runs: string[]
  rows: number
  aucTrue: number
  aucPred: number
}

/** Rows of one RUN that met the cell, each to its drug. */
function addResponses(
  known: Map<string, Sums>,
  { run, cells, drugs, aucTrue, aucPred }: Predictions,
  cell: string,
): void {
  const code = cells?.values.indexOf(cell) ?? -1
  if (!cells || !drugs || code < 0) return
  for (const [row, at] of cells.codes.entries()) {
    if (at !== code) continue
    const drug = drugs.values[drugs.codes[row]!]!
    let sums = known.get(drug)
    if (!sums) known.set(drug, (sums = { runs: [], rows: 0, aucTrue: 0, aucPred: 0 }))
    if (sums.runs.at(-1) !== run) sums.runs.push(run)
    sums.rows += 1
    sums.aucTrue += aucTrue[row]!
    sums.aucPred += aucPred[row]!
  }
}

/** `RUN000`; `RUN000+2` where two more tell of the drug. One word, so that `match` finds it in both lists. */
export function runsText({ run, runs }: TopDrug): string {
  return runs.length === 1 ? run : `${run}+${runs.length - 1}`
}
