import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HedError } from '../../src/base/errors.js'
import { refuseExisting } from '../../src/base/files.js'
import { randomKey } from '../../src/base/random.js'
import type { Categories } from '../../src/table/column.js'
import { readParquet } from '../../src/table/parquet.js'
import { writeTable, type TablePart } from '../../src/table/table-stream.js'
import { AUC, CELL, CELL_FEATURE, DRUG, DRUG_FEATURE, FILES, readFeatures } from './data.js'
import { nameOf, type HeldOut, type PartitionName } from './held-out.js'
import { makePartition, type Divisible } from './partition.js'

export interface PartitionOptions {
  /** drug, cell or random, or the words of the hyperparameter `partition`: by_drug, by_cell, random. */
  readonly by: string
  readonly index: number | undefined
  readonly seed: number
  /** Folder with the feature tables: rows without features are left out. Undefined: none is. */
  readonly features: string | undefined
}

export interface PartitionFile {
  readonly file: string
  readonly rows: number
}

/**
 * The partition alone: three Parquet files with the rows that a RUN of this index and seed has, in the order of the responses.
 * @param pattern `@@@` in it becomes train, val and test; `.parquet` is put behind it where it is not there
 * @throws HedError USAGE, DATA; USAGE also where a file of this name is there
 */
export async function writePartition(
  infile: string,
  pattern: string,
  options: PartitionOptions,
): Promise<readonly PartitionFile[]> {
  const files = filesOf(pattern)
  const rsp = await readParquet(infile)
  const [cells, drugs, auc] = [rsp.categories(CELL), rsp.categories(DRUG), rsp.numbers(AUC)]
  const data = { cells, drugs, ...(await rowsWithFeatures(options.features, cells, drugs)) }
  const heldOut = heldOutBy(data, options)
  const parts = makePartition(data, heldOut, randomKey(options.seed, nameOf(heldOut)))
  const written: PartitionFile[] = []
  for (const which of ['train', 'val', 'test'] as const) {
    const rows = parts[which]
    await mkdir(dirname(files[which]), { recursive: true })
    await writeTable(files[which], tableParts(data, auc, rows))
    written.push({ file: files[which], rows: rows.length })
  }
  return written
}

/** Rows that are made at a time. */
const PART_ROWS = 2 ** 17

/** At least one, so that a partition without rows has its columns. */
function* tableParts(
  { cells, drugs }: Pick<Divisible, 'cells' | 'drugs'>,
  auc: Float64Array,
  rows: Int32Array,
): Generator<TablePart, void> {
  for (let from = 0; from === 0 || from < rows.length; from += PART_ROWS) {
    const part = rows.subarray(from, from + PART_ROWS)
    const named = ({ values, codes }: Categories) => ({
      type: 'string' as const,
      data: { values, codes: part.map(row => codes[row]!) },
    })
    yield {
      [CELL]: named(cells),
      [DRUG]: named(drugs),
      [AUC]: { type: 'number', data: Float64Array.from(part, row => auc[row]!) },
    }
  }
}

function filesOf(pattern: string): Record<'train' | 'val' | 'test', string> {
  if (!pattern.includes('@@@'))
    throw new HedError('USAGE', `PATTERN is ${JSON.stringify(pattern)}, want @@@ in it`, {
      hint: 'Give a name such as rsp_@@@_data: @@@ becomes train, val and test.',
    })
  const of = (which: string) => {
    const name = pattern.replaceAll('@@@', which)
    const file = name.endsWith('.parquet') ? name : `${name}.parquet`
    refuseExisting(file, true)
    return file
  }
  return { train: of('train'), val: of('val'), test: of('test') }
}

async function rowsWithFeatures(
  folder: string | undefined,
  cells: Categories,
  drugs: Categories,
): Promise<Pick<Divisible, 'cellTable' | 'drugTable'>> {
  const all = ({ values }: Categories) => ({ rowOf: new Int32Array(values.length) })
  if (folder === undefined) return { cellTable: all(cells), drugTable: all(drugs) }
  return {
    cellTable: await readFeatures(join(folder, FILES.cells), CELL, CELL_FEATURE, cells),
    drugTable: await readFeatures(join(folder, FILES.drugs), DRUG, DRUG_FEATURE, drugs),
  }
}

const PLAIN = { by_drug: 'drug', by_cell: 'cell', random: 'random' } as const
const BY: Readonly<Record<string, HeldOut['by']>> = {
  ...(PLAIN satisfies Record<PartitionName, HeldOut['by']>),
  ...{ drug: 'drug', cell: 'cell' },
}

function heldOutBy({ cells, drugs }: Divisible, { by: word, index }: PartitionOptions): HeldOut {
  const by = Object.hasOwn(BY, word) ? BY[word] : undefined
  if (by === 'random') {
    if (index === undefined) return { by }
    throw new HedError('USAGE', `--index ${index}: --by random holds no one drug or cell out`, {
      hint: 'Leave --index away; --seed alone decides.',
    })
  }
  if (by === undefined)
    throw new HedError('USAGE', `--by is ${JSON.stringify(word)}, want drug, cell or random`, {
      hint: 'by_drug and by_cell will do too, as the key "partition" of a UPF line has it.',
    })
  const { values } = by === 'drug' ? drugs : cells
  const found = `the data has ${by}s 0 to ${values.length - 1}`
  if (index === undefined)
    throw new HedError('USAGE', `--by ${by} without --index: ${found}`, {
      hint: `Give --index: which ${by}, as list-${by}s numbers them.`,
    })
  const name = values[index]
  if (name === undefined) throw new HedError('USAGE', `--index ${index}: ${found}`)
  return { by, index, name }
}
