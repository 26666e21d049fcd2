import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HedError } from '../../src/base/errors.js'
import type { Categories } from '../../src/table/column.js'
import { readParquet } from '../../src/table/parquet.js'
import type { Network } from '../../src/train/h5.js'
import * as data from './data.js'
import { some } from './data.js'

/** Pairs of cell and drug to predict, with the features a model wants of them. */
export interface Pairs {
  readonly cells: Categories
  readonly drugs: Categories
  /** Undefined where the file has no column `auc`. */
  readonly auc: Float64Array | undefined
  readonly cellTable: data.FeatureTable
  readonly drugTable: data.FeatureTable
}

/**
 * @param path a folder such as DATA_SOURCE, or a response file with the feature tables beside it
 * @param model its inputs: columns are taken by name, or by position where the model has no names
 * @param features folder with the feature tables, where they lie elsewhere
 * @throws HedError DATA
 */
export async function readPairs(path: string, model: Network, features?: string): Promise<Pairs> {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isDirectory() && !found?.isFile())
    throw new HedError(
      'DATA',
      `${path || '""'}: ${found ? 'is neither file nor folder' : 'no such file or folder'}`,
      { hint: 'Give a folder such as DATA_SOURCE, or a response file.' },
    )
  if (features !== undefined && !isFolder(features))
    throw new HedError('DATA', `--features: ${features || '""'}: no such folder`, {
      hint: `Name the folder that has ${data.FILES.cells} and ${data.FILES.drugs}.`,
    })
  const folder = found.isDirectory() ? path : dirname(path)
  const file = found.isDirectory() ? need(folder, data.FILES.responses) : path
  const tables = features ?? folder
  const [cellFile, drugFile] = [need(tables, data.FILES.cells), need(tables, data.FILES.drugs)]
  const responses = await readParquet(file)
  const cells = responses.categories(data.CELL)
  const drugs = responses.categories(data.DRUG)
  const auc = responses.names.includes(data.AUC) ? responses.numbers(data.AUC) : undefined
  const order = (where: string, width: number, wanted: readonly string[] | undefined) => {
    return (there: readonly string[]) => columns(where, there, width, wanted)
  }
  const [cellWidth, drugWidth] = model.widths
  return {
    cells,
    drugs,
    auc,
    cellTable: await data.readFeatures(
      cellFile,
      data.CELL,
      data.CELL_FEATURE,
      cells,
      order(cellFile, cellWidth, model.features?.cell),
    ),
    drugTable: await data.readFeatures(
      drugFile,
      data.DRUG,
      data.DRUG_FEATURE,
      drugs,
      order(drugFile, drugWidth, model.features?.drug),
    ),
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function need(folder: string, name: string): string {
  const path = join(folder, name)
  if (existsSync(path)) return path
  throw new HedError('DATA', `${folder}: has no ${name}`, {
    hint: 'Name the folder that has it: as DATA, or with --features.',
  })
}

/** The model's columns in its own order. A column more is as wrong as one less: it is other data. */
function columns(
  path: string,
  there: readonly string[],
  width: number,
  wanted: readonly string[] | undefined,
): readonly string[] {
  const hint = 'Use features made as those that the model was trained on.'
  if (wanted) {
    const missing = wanted.filter(name => !there.includes(name))
    const unknown = there.filter(name => !wanted.includes(name))
    if (missing.length > 0)
      throw new HedError(
        'DATA',
        `${path}: lacks ${missing.length} of the ${width} columns that the model was trained on: ${some(missing)}`,
        { hint },
      )
    if (unknown.length > 0)
      throw new HedError(
        'DATA',
        `${path}: has ${unknown.length} columns that the model does not know: ${some(unknown)}`,
        { hint },
      )
    return wanted
  }
  if (there.length !== width)
    throw new HedError(
      'DATA',
      `${path}: has ${there.length} feature columns, the model was trained on ${width}`,
      { hint },
    )
  return there
}
