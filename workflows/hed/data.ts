import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HedError } from '../../src/base/errors.js'
import { writeAtomic } from '../../src/base/files.js'
import { plural } from '../../src/base/plural.js'
import { readArrow, writeArrow, type Features } from '../../src/table/arrow-file.js'
import type { Categories } from '../../src/table/column.js'
import { readParquet } from '../../src/table/parquet.js'

/** The responses and the two feature tables, resident and never merged. */
export interface HedData {
  /** Cell of every response row; values in order of first appearance. */
  readonly cells: Categories
  /** Drug of every response row; a value's place is the drug's index. */
  readonly drugs: Categories
  /** Area under the dose-response curve, one a row. */
  readonly auc: Float64Array
  readonly cellTable: FeatureTable
  readonly drugTable: FeatureTable
}

export interface FeatureTable extends Features {
  readonly ids: readonly string[]
  /** Code of a response column → row of this table, or -1 where it has no features. */
  readonly rowOf: Int32Array
}

export const FILES = {
  responses: 'rsp_merged.parquet',
  cells: 'ge_merged_data.parquet',
  drugs: 'md_merged_data.parquet',
} as const

/** Column names of the IMPROVE layout. */
export const CELL = 'improve_sample_id'
export const DRUG = 'improve_chem_id'
export const AUC = 'auc'
/** What the names of feature columns begin with. */
export const CELL_FEATURE = 'ge.'
export const DRUG_FEATURE = 'mordred'

/** Version of the node-local form. */
export const STAGE_VERSION = 1

/** Read and check DATA_SOURCE. @throws HedError DATA */
export async function inspectData(dataSource: string): Promise<HedData> {
  const responses = await readParquet(join(dataSource, FILES.responses))
  const cells = responses.categories(CELL)
  const drugs = responses.categories(DRUG)
  const auc = responses.numbers(AUC)
  const cellTable = await readFeatures(join(dataSource, FILES.cells), CELL, CELL_FEATURE, cells)
  const drugTable = await readFeatures(join(dataSource, FILES.drugs), DRUG, DRUG_FEATURE, drugs)
  return { cells, drugs, auc, cellTable, drugTable }
}

/** Drugs in index order, and nothing else of the data. */
export async function readDrugs(path: string): Promise<readonly string[]> {
  return (await readParquet(path)).categories(DRUG).values
}

/** Cells, in order of first appearance. */
export async function readCells(path: string): Promise<readonly string[]> {
  return (await readParquet(path)).categories(CELL).values
}

const ARROW = {
  responses: 'responses.arrow',
  cells: 'cells.arrow',
  drugs: 'drugs.arrow',
} as const
const MANIFEST = 'manifest.json'

type Manifest = Readonly<Record<string, { readonly bytes: number; readonly crc32: number }>>

/** Turn DATA_SOURCE into the node-local form: three Arrow files, and a manifest that is written last. */
export async function stageData(dataSource: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 })
  const data = await inspectData(dataSource)
  const features = async (name: string, { ids, names, values }: FeatureTable) =>
    writeArrow(join(target, name), {
      id: { type: 'categories', data: { values: ids, codes: Int32Array.from(ids.keys()) } },
      features: { type: 'features', data: { names, values } },
    })
  const manifest: Manifest = {
    [ARROW.responses]: await writeArrow(join(target, ARROW.responses), {
      cell: { type: 'categories', data: data.cells },
      drug: { type: 'categories', data: data.drugs },
      auc: { type: 'numbers', data: data.auc },
    }),
    [ARROW.cells]: await features(ARROW.cells, data.cellTable),
    [ARROW.drugs]: await features(ARROW.drugs, data.drugTable),
  }
  await writeAtomic(join(target, MANIFEST), JSON.stringify(manifest), 0o600)
}

/** Load what stageData left. @throws HedError DATA if a byte is not as written */
export async function loadData(directory: string): Promise<HedData> {
  const path = join(directory, MANIFEST)
  let manifest: Manifest
  try {
    manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest
  } catch (error) {
    throw new HedError('DATA', `${path}: cannot be read`, {
      hint: 'Remove the folder; it is made again.',
      cause: error,
    })
  }
  const table = (name: string) =>
    readArrow(directory, name, manifest[name] ?? { bytes: -1, crc32: 0 })
  const responses = await table(ARROW.responses)
  const cells = responses.categories('cell')
  const drugs = responses.categories('drug')
  const features = async (name: string, of: Categories): Promise<FeatureTable> => {
    const file = await table(name)
    const ids = file.categories('id').values
    return { ids, ...file.features('features'), rowOf: rowsOf(of.values, ids) }
  }
  return {
    cells,
    drugs,
    auc: responses.numbers('auc'),
    cellTable: await features(ARROW.cells, cells),
    drugTable: await features(ARROW.drugs, drugs),
  }
}

/**
 * @param prefix what the names of feature columns begin with
 * @param order the columns to take, of those that there are; throws if they are not the right ones
 * @throws HedError DATA
 */
export async function readFeatures(
  path: string,
  id: string,
  prefix: string,
  of: Categories,
  order = (names: readonly string[]) => names,
): Promise<FeatureTable> {
  const table = await readParquet(path)
  const { values: ids } = table.categories(id)
  if (ids.length !== table.rows)
    throw new HedError(
      'DATA',
      `${path}: ${table.rows} rows but only ${ids.length} different "${id}"`,
      {
        hint: 'Keep one row an id.',
      },
    )
  const there = table.names.filter(name => name.startsWith(prefix))
  if (there.length === 0)
    throw new HedError('DATA', `${path}: has no feature column, want names such as "${prefix}…"`, {
      hint: 'Use a preprocessed IMPROVE data set.',
    })
  const names = order(there)
  return { ids, names, values: table.matrix(names), rowOf: rowsOf(of.values, ids) }
}

function rowsOf(values: readonly string[], ids: readonly string[]): Int32Array {
  const row = new Map(ids.map((name, i) => [name, i]))
  return Int32Array.from(values, value => row.get(value) ?? -1)
}

/** Cells and drugs of the responses without features: `2 cells (A, B) and 1 drug (C)`. */
export function without({
  cells,
  drugs,
  cellTable,
  drugTable,
}: Pick<HedData, 'cells' | 'drugs' | 'cellTable' | 'drugTable'>): string {
  const of = ({ values }: Categories, { rowOf }: FeatureTable, what: string) => {
    const names = values.filter((_, code) => rowOf[code]! < 0)
    return names.length === 0 ? [] : [`${plural(names.length, what)} (${some(names)})`]
  }
  return [...of(cells, cellTable, 'cell'), ...of(drugs, drugTable, 'drug')].join(' and ')
}

/** A few names. */
export function some(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '')
}
