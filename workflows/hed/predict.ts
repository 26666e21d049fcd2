import { HedError } from '../../src/base/errors.js'
import { chooseBackend } from '../../src/train/backends/registry.js'
import { openModel, type OpenedModel } from '../../src/train/open-model.js'
import { scores, type Scores } from '../../src/train/scores.js'
import { without } from './data.js'
import { readPairs, type Pairs } from './pairs.js'
import { decimals, quoted } from './predictions.js'

/** One pair, in the order of the response file. */
export interface Prediction {
  readonly cell: string
  readonly drug: string
  /** In the range of the output's activation, 0 to 1 with sigmoid. */
  readonly auc_pred: number
  /** Where the file has it. */
  readonly auc_true?: number
}

export interface Predicted {
  readonly predictions: readonly Prediction[]
  readonly model: string
  /** That of a RUN which has not finished. */
  readonly isEarly: boolean
  /** Pairs left out, for want of features. */
  readonly left: number
  /** Where `auc` is known. */
  readonly scores: Scores | undefined
}

export interface PredictOptions {
  readonly backend: string
  readonly threads: number
  /** Folder with the feature tables; undefined: beside the responses. */
  readonly features: string | undefined
  /** Leave pairs without features out instead of refusing them. */
  readonly dropMissing: boolean
}

/**
 * What a trained model says of pairs of cell and drug; each tower runs once a cell and once a drug.
 *
 * @param model see openModel @param data see readPairs
 * @throws HedError USAGE, DATA
 */
export async function predict(
  model: string,
  data: string,
  options: PredictOptions,
): Promise<Predicted> {
  const network = await openModel(model)
  const pairs = await readPairs(data, network, options.features)
  const { cells, drugs, auc, cellTable, drugTable } = pairs
  const cell = cells.codes.map(code => cellTable.rowOf[code]!)
  const drug = drugs.codes.map(code => drugTable.rowOf[code]!)
  const rows = Int32Array.from(cell.keys()).filter(row => cell[row]! >= 0 && drug[row]! >= 0)
  const left = cell.length - rows.length
  if (left > 0 && !options.dropMissing) throw lacking(data, pairs, left)
  if (rows.length === 0)
    throw new HedError(
      'DATA',
      `${data}: no row is left to predict${left > 0 ? `: ${without(pairs)} have no features` : ''}`,
      {
        hint: 'Give feature tables of these cells and drugs.',
      },
    )
  const of = (codes: Int32Array) => rows.map(row => codes[row]!)
  const predicted = await compute(network, pairs, of(cell), of(drug), options)
  return {
    model: network.path,
    isEarly: network.isEarly,
    left,
    scores:
      auc &&
      scores(
        Float64Array.from(rows, row => auc[row]!),
        predicted,
      ),
    predictions: Array.from(rows, (row, i) => ({
      cell: cells.values[cells.codes[row]!]!,
      drug: drugs.values[drugs.codes[row]!]!,
      auc_pred: predicted[i]!,
      ...(auc && { auc_true: auc[row]! }),
    })),
  }
}

/** The scoring of a RUN, with nothing to train. */
async function compute(
  { spec, weights }: OpenedModel,
  { cellTable, drugTable }: Pairs,
  cell: Int32Array,
  drug: Int32Array,
  { backend: wanted, threads }: PredictOptions,
): Promise<Float32Array> {
  const { backend } = await chooseBackend(wanted)
  const tables = {
    cell: cellTable.values,
    cellFeatures: cellTable.names.length,
    drug: drugTable.values,
    drugFeatures: drugTable.names.length,
  }
  const trainer = await backend.create(
    // SGD has no moments, and a batch of one needs next to no memory
    { spec, tables, loss: { type: 'mse' }, optimiser: 'SGD', batchSize: 1, threads, key: [0, 0] },
    { weights, moments: [], step: 0, momentum: 1 },
  )
  try {
    return await trainer.predict({ cell, drug })
  } finally {
    await trainer.close()
  }
}

function lacking(path: string, pairs: Pairs, rows: number) {
  return new HedError('DATA', `${path}: ${rows} rows lack features: ${without(pairs)}`, {
    hint: 'Add them to the feature tables, or leave the rows out with --missing drop.',
  })
}

/** @param known `auc` is there */
export function csvHeader(known: boolean): string {
  return known ? 'cell,drug,auc_pred,auc_true' : 'cell,drug,auc_pred'
}

export function csvLine({ cell, drug, auc_pred, auc_true }: Prediction): string {
  const numbers = auc_true === undefined ? [auc_pred] : [auc_pred, auc_true]
  return [quoted(cell), quoted(drug), ...numbers.map(decimals)].join(',')
}

/** How many, and how well: for people. */
export function summary({ predictions, model, isEarly, left, scores: of }: Predicted): string {
  const number = (n: number) => n.toLocaleString('en')
  const found = Object.entries(of ?? {}).map(
    ([name, value]) => `${name} ${(value as number | null)?.toPrecision(5) ?? 'undefined'}`,
  )
  return [
    `${number(predictions.length)} predictions of ${model}`,
    ...(isEarly ? ['the RUN has not finished'] : []),
    ...(left > 0 ? [`${number(left)} rows left out: no features`] : []),
    ...(found.length > 0 ? [found.join(', ')] : []),
  ].join('; ')
}
