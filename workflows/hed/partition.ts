import { HedError } from '../../src/base/errors.js'
import { shuffle, STREAM, type Key } from '../../src/base/random.js'
import type { Categories } from '../../src/table/column.js'
import type { HedData } from './data.js'
import type { HeldOut } from './held-out.js'

/** Row numbers of the response table, ascending; nothing is copied. */
export interface Partition {
  /** What is held out. */
  readonly test: Int32Array
  readonly val: Int32Array
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

/** What of the data a partition hangs on. */
export interface Divisible extends Pick<HedData, 'cells' | 'drugs'> {
  readonly cellTable: Pick<HedData['cellTable'], 'rowOf'>
  readonly drugTable: Pick<HedData['drugTable'], 'rowOf'>
}

/** Share of the rows beside the held-out ones that validate. */
const VAL_FRACTION = 0.2
/** Share of all rows that validate or test where they are drawn at random. */
const RANDOM_FRACTION = 0.2

/**
 * Divide the rows that have features into train, val and test.
 * A function of its arguments alone, so a RUN restarted on another rank trains on the same rows.
 *
 * @param key randomKey(seed, name of what is held out)
 * @returns disjoint; train + val + test + left.rows = all rows
 * @throws HedError USAGE if there is no such drug or cell
 */
export function makePartition(data: Divisible, heldOut: HeldOut, key: Key): Partition {
  switch (heldOut.by) {
    case 'drug':
      return partitionByDrug(data, heldOut.index, key)
    case 'cell':
      return partitionByCell(data, heldOut.index, key)
    case 'random':
      return partitionAtRandom(data, key)
  }
}

/**
 * Hold one drug out: its rows are the test set, the rest is split into train and val.
 *
 * @param index which drug, 0-based, in order of first appearance over all rows
 * @param valFraction share of the remaining rows for validation, in [0, 1)
 * @see upstream's partition_uno_pq; n_val = ceil(valFraction · rest), as scikit-learn's train_test_split
 */
export function partitionByDrug(
  data: Divisible,
  index: number,
  key: Key,
  valFraction = VAL_FRACTION,
): Partition {
  return holdOut(data, data.drugs, 'drug', index, key, valFraction)
}

/** Hold one cell out, as partitionByDrug a drug. */
export function partitionByCell(data: Divisible, index: number, key: Key): Partition {
  return holdOut(data, data.cells, 'cell', index, key, VAL_FRACTION)
}

/** 80/10/10: of ceil(0.2 n) rows that are drawn, half test (the odd one too) and half validate. */
export function partitionAtRandom(data: Divisible, key: Key): Partition {
  const { role, rest } = usable(data)
  const drawn = draw(rest, Math.ceil(RANDOM_FRACTION * rest.length), key)
  const vals = drawn.length >> 1
  for (let i = 0; i < drawn.length; i++) role[drawn[i]!] = i < vals ? VAL : TEST
  return collect(data, role)
}

function holdOut(
  data: Divisible,
  { values, codes }: Categories,
  what: string,
  index: number,
  key: Key,
  valFraction: number,
): Partition {
  if (values[index] === undefined)
    throw new HedError('USAGE', `index ${index}: the data has ${what}s 0 to ${values.length - 1}`)
  const { role, rest } = usable(data, codes, index)
  for (const row of draw(rest, Math.ceil(valFraction * rest.length), key)) role[row] = VAL
  return collect(data, role)
}

/** What a row is for. */
const LEFT = 0
const TRAIN = 1
const VAL = 2
const TEST = 3

/**
 * Role of each row, TRAIN so far where it is not held out, and the rows of that role.
 * @param held code whose rows are the test set; -1: none is
 */
function usable(
  { cells, drugs, cellTable, drugTable }: Divisible,
  codes = drugs.codes,
  held = -1,
): { role: Uint8Array; rest: Int32Array } {
  const n = codes.length
  const role = new Uint8Array(n)
  const rest = new Int32Array(n)
  let rests = 0
  for (let row = 0; row < n; row++) {
    if (cellTable.rowOf[cells.codes[row]!]! < 0 || drugTable.rowOf[drugs.codes[row]!]! < 0) continue
    if (codes[row] === held) role[row] = TEST
    else {
      role[row] = TRAIN
      rest[rests++] = row
    }
  }
  return { role, rest: rest.subarray(0, rests) }
}

/** A uniform sample, in random order. @param rows are put out of order */
function draw(rows: Int32Array, count: number, key: Key, epoch = 0): Int32Array {
  shuffle(key, STREAM.split, epoch, rows, count)
  return rows.subarray(rows.length - count)
}

function collect(data: Divisible, role: Uint8Array): Partition {
  const [left, train, val, test] = [LEFT, TRAIN, VAL, TEST].map(wanted => {
    const rows = new Int32Array(role.length)
    let count = 0
    for (let row = 0; row < role.length; row++) if (role[row] === wanted) rows[count++] = row
    return rows.slice(0, count)
  })
  return { test: test!, val: val!, train: train!, left: leftOut(data, left!.length) }
}

/** Upstream's sizes of `train_subset_data`. */
const SUBSET = { train: 4000, val: 500 } as const

/** Keep a sample of the rows to train and validate on, for a quick look; the test set stays whole. */
export function subsetOf(partition: Partition, key: Key): Partition {
  const some = (rows: Int32Array, most: number, epoch: number) =>
    draw(rows.slice(), Math.min(most, rows.length), key, epoch).sort()
  return {
    ...partition,
    // counters that the split itself does not use
    train: some(partition.train, SUBSET.train, 1),
    val: some(partition.val, SUBSET.val, 2),
  }
}

/** What partitioning leaves out, for reports; a property of the data alone. */
export function leftOut({ cellTable, drugTable }: Divisible, rows: number): LeftOut {
  const missing = (rowOf: Int32Array) => rowOf.reduce((sum, row) => sum + (row < 0 ? 1 : 0), 0)
  return { rows, cells: missing(cellTable.rowOf), drugs: missing(drugTable.rowOf) }
}

/** How many response rows have a cell or a drug without features. */
export function countLeftOut({ cells, drugs, cellTable, drugTable }: Divisible): number {
  let rows = 0
  for (let row = 0; row < cells.codes.length; row++)
    if (cellTable.rowOf[cells.codes[row]!]! < 0 || drugTable.rowOf[drugs.codes[row]!]! < 0) rows++
  return rows
}
