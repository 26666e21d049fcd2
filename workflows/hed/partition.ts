import { HedError } from '../../src/base/errors.js'
import { shuffle, STREAM, type Key } from '../../src/base/random.js'
import type { HedData } from './data.js'

/** Row numbers of the response table; nothing is copied. */
export interface Partition {
  /** Rows of the held-out drug, in file order. */
  readonly test: Int32Array
  /** Ascending. */
  readonly val: Int32Array
  /** Ascending. */
  readonly train: Int32Array
  readonly left: LeftOut
}

/** Rows left out because their cell or drug has no features. */
export interface LeftOut {
  readonly rows: number
  /** How many cells and drugs of the responses have no features. */
  readonly cells: number
  readonly drugs: number
}

/** Share of the rows beside the held-out drug that validate. */
const VAL_FRACTION = 0.2

/**
 * Hold one drug out: its rows are the test set, the rest is split into train and val.
 * A function of its arguments alone, so a RUN restarted on another rank trains on the same rows.
 *
 * @param index which drug, 0-based, in order of first appearance over all rows
 * @param key of the held-out drug: randomKey(seed, its name)
 * @param valFraction share of the remaining rows for validation, in [0, 1)
 * @returns disjoint; train + val + test + left.rows = all rows
 * @throws HedError USAGE if there is no drug `index`
 * @see upstream's partition_uno_pq; n_val = ceil(valFraction · rest), as scikit-learn's train_test_split
 */
export function partitionByDrug(
  data: HedData,
  index: number,
  key: Key,
  valFraction = VAL_FRACTION,
): Partition {
  const { cells, drugs, cellTable, drugTable } = data
  const count = drugs.values.length
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new HedError('USAGE', `index ${index}: the data has drugs 0 to ${count - 1}`)
  const n = drugs.codes.length
  const test = new Int32Array(n)
  const rest = new Int32Array(n)
  let tests = 0
  let rests = 0
  for (let row = 0; row < n; row++) {
    const drug = drugs.codes[row]!
    if (cellTable.rowOf[cells.codes[row]!]! < 0 || drugTable.rowOf[drug]! < 0) continue
    if (drug === index) test[tests++] = row
    else rest[rests++] = row
  }
  const drawn = rest.slice(0, rests)
  const vals = Math.ceil(valFraction * rests)
  shuffle(key, STREAM.split, 0, drawn, vals)
  const isVal = new Uint8Array(n)
  for (let i = rests - vals; i < rests; i++) isVal[drawn[i]!] = 1
  const val = new Int32Array(vals)
  const train = new Int32Array(rests - vals)
  let v = 0
  let t = 0
  for (let i = 0; i < rests; i++) {
    const row = rest[i]!
    if (isVal[row]) val[v++] = row
    else train[t++] = row
  }
  return { test: test.slice(0, tests), val, train, left: leftOut(data, n - tests - rests) }
}

/** What partitioning leaves out, for reports; a property of the data alone. */
export function leftOut({ cellTable, drugTable }: HedData, rows: number): LeftOut {
  const missing = (rowOf: Int32Array) => rowOf.reduce((sum, row) => sum + (row < 0 ? 1 : 0), 0)
  return { rows, cells: missing(cellTable.rowOf), drugs: missing(drugTable.rowOf) }
}

/** How many response rows have a cell or a drug without features. */
export function countLeftOut({ cells, drugs, cellTable, drugTable }: HedData): number {
  let rows = 0
  for (let row = 0; row < cells.codes.length; row++)
    if (cellTable.rowOf[cells.codes[row]!]! < 0 || drugTable.rowOf[drugs.codes[row]!]! < 0) rows++
  return rows
}
