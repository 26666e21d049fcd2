import { eachPredictions, type OnGap, type Predictions } from './predictions.js'
import type { ReadableExp, RunState } from './run-state.js'

/** What a sweep says of one cell: one element a drug. */
export interface CellResponses {
  readonly cell: string
  /** Rows that were averaged; replicates of one drug are one element. */
  readonly rows: number
  readonly drugs: readonly string[]
  readonly aucTrue: Float64Array
  readonly aucPred: Float64Array
}

export interface Responses {
  /** In order of first appearance. */
  readonly cells: readonly CellResponses[]
  /** Drugs that more than one RUN held out: their predictions are averaged. */
  readonly repeated: readonly string[]
}

/** Sums of one cell, one element a drug: plain lists, as there are a million of them. */
interface Sums {
  readonly drugs: string[]
  readonly rows: number[]
  readonly aucTrue: number[]
  readonly aucPred: number[]
}

/**
 * Test predictions by cell. Of RUNs that hold a drug or a cell out: rows drawn at random do not name their drug.
 */
export function responsesByCell(
  exp: ReadableExp,
  states: readonly RunState[],
  onGap: OnGap,
): Responses {
  const cells = new Map<string, Sums>()
  const runsOf = new Map<string, number>()
  const seen = new Set<string>()
  for (const predictions of eachPredictions(exp, 'test', states, onGap)) {
    const { heldOut, drugs } = predictions
    if (heldOut.by === 'drug') runsOf.set(heldOut.name, (runsOf.get(heldOut.name) ?? 0) + 1)
    for (const { cell, drug, rows, aucTrue, aucPred } of pairsOf(predictions)) {
      let sums = cells.get(cell)
      if (!sums) cells.set(cell, (sums = { drugs: [], rows: [], aucTrue: [], aucPred: [] }))
      const known = seen.has(drug) ? sums.drugs.indexOf(drug) : -1
      const at = known < 0 ? sums.drugs.push(drug) - 1 : known
      sums.rows[at] = (sums.rows[at] ?? 0) + rows
      sums.aucTrue[at] = (sums.aucTrue[at] ?? 0) + aucTrue
      sums.aucPred[at] = (sums.aucPred[at] ?? 0) + aucPred
    }
    for (const drug of drugs?.values ?? []) seen.add(drug)
  }
  return {
    cells: Array.from(cells, ([cell, sums]) => averaged(cell, sums)),
    repeated: [...runsOf].filter(([, runs]) => runs > 1).map(([drug]) => drug),
  }
}

/** Sums over the replicates within one RUN: by number first, as names cost a look-up each. */
function* pairsOf({ cells, drugs, aucTrue, aucPred }: Predictions): Generator<Pair, void> {
  if (!cells || !drugs) return
  const width = drugs.values.length
  const size = cells.values.length * width // one of the two is held out: 1 of it
  const [rows, sumTrue, sumPred] = [0, 0, 0].map(() => new Float64Array(size)) as Three
  for (let row = 0; row < aucTrue.length; row++) {
    const pair = cells.codes[row]! * width + drugs.codes[row]!
    rows[pair]!++
    sumTrue[pair]! += aucTrue[row]!
    sumPred[pair]! += aucPred[row]!
  }
  for (let pair = 0; pair < size; pair++)
    if (rows[pair]! > 0)
      yield {
        cell: cells.values[Math.floor(pair / width)]!,
        drug: drugs.values[pair % width]!,
        rows: rows[pair]!,
        aucTrue: sumTrue[pair]!,
        aucPred: sumPred[pair]!,
      }
}

interface Pair {
  readonly cell: string
  readonly drug: string
  readonly rows: number
  readonly aucTrue: number
  readonly aucPred: number
}
type Three = [Float64Array, Float64Array, Float64Array]

function averaged(cell: string, { drugs, rows, aucTrue, aucPred }: Sums): CellResponses {
  return {
    cell,
    rows: rows.reduce((all, n) => all + n, 0),
    drugs,
    aucTrue: Float64Array.from(aucTrue, (sum, i) => mean(sum, rows[i]!)),
    aucPred: Float64Array.from(aucPred, (sum, i) => mean(sum, rows[i]!)),
  }
}

/** Digits of a mean that are not rounding: values come as float32s. */
const SCALE = 1e12

/** Means of equal values are equal, whatever was summed in which order: ranks make a difference of any other. */
function mean(sum: number, n: number): number {
  return n === 1 ? sum : Math.round((sum / n) * SCALE) / SCALE
}
