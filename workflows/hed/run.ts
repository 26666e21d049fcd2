import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HedError } from '../../src/base/errors.js'
import { randomKey, type Key } from '../../src/base/random.js'
import { writeAtomic } from '../../src/base/files.js'
import { RUN_FILES } from '../../src/experiment/layout.js'
import { Stopped, type Outcome, type RunContext } from '../../src/experiment/workflow.js'
import type { Categories } from '../../src/table/column.js'
import { writeParquet } from '../../src/table/parquet-writer.js'
import { writeResponses, type Responses } from '../../src/table/response-file.js'
import { writeHistory } from '../../src/train/history.js'
import { initialState } from '../../src/train/init.js'
import { train, type Samples, type TrainResult } from '../../src/train/loop.js'
import type { ModelStore } from '../../src/train/model-store.js'
import { scores } from '../../src/train/scores.js'
import type { Backend, Trainer } from '../../src/train/trainer.js'
import { AUC, CELL, DRUG, type HedData } from './data.js'
import { describe, heldOutOf, labelsOf, nameOf, type HeldOut } from './held-out.js'
import { readHyperparameters, type Hyperparameters } from './hyperparameters.js'
import { loadPlannedLoss } from './loss-module.js'
import { makePartition, subsetOf, type Partition } from './partition.js'
import { writePredictions } from './predictions.js'
import { unoSpec } from './uno.js'

/** What an executor keeps between RUNs. */
export interface HedTools {
  readonly data: HedData
  readonly backend: Backend
  readonly threads: number
  readonly store: ModelStore
}

/** One RUN, in four steps. Its result is a function of its parameters, the data, seed, backend and threads. */
export async function hedRun(context: RunContext, tools: HedTools): Promise<Outcome> {
  const options = readHyperparameters(context.params)
  if ('problems' in options) throw new Error(options.problems.join('; '))
  await loadPlannedLoss(options.training.loss, context.resolved, tools.backend.name)
  const heldOut = heldOutOf(options.partition, context.resolved)
  const key = randomKey(options.seed, nameOf(heldOut))

  // 1. partition: a drug or a cell out, the rest into train and val
  context.progress({ phase: 'partition' })
  const whole = makePartition(tools.data, heldOut, key)
  const partition = options.subset ? subsetOf(whole, key) : whole
  await reportPartition(context, tools.data, partition, nameOf(heldOut))
  if (options.writePartitions) await writePartitions(context, tools.data, partition)

  const trainer = await newTrainer(options, tools, key, partition.train.length)
  try {
    // 2. train, from the last checkpoint if there is one
    const result = await trainUno(context, options, tools, partition, trainer, key)

    // 3. score the held-out and the validation rows with the best weights
    context.progress({ phase: 'score' })
    await score(context, tools.data, partition.val, trainer, 'val', heldOut)
    await score(context, tools.data, partition.test, trainer, 'test', heldOut)

    // 4. what the marker vouches for; the engine writes it, last
    const { history } = result
    await writeHistory(join(context.directory, RUN_FILES.history), history)
    const last = history.val_loss.at(-1)!
    await writeAtomic(join(context.directory, RUN_FILES.result), `${last}\n`)
    return { epochs: result.epochs, reason: result.reason, outputs: OUTPUTS }
  } finally {
    await trainer.close()
  }
}

const OUTPUTS = [
  RUN_FILES.testScores,
  RUN_FILES.valScores,
  RUN_FILES.testPredictions,
  RUN_FILES.valPredictions,
  RUN_FILES.testRows,
  RUN_FILES.history,
  RUN_FILES.result,
] as const

async function reportPartition(
  context: RunContext,
  data: HedData,
  { test, val, train, left }: Partition,
  name: string,
): Promise<void> {
  context.log(`${name}: ${test.length} test, ${val.length} val, ${train.length} train rows`)
  if (left.rows > 0) context.log(`${left.rows} rows left out: no features`)
  if (test.length === 0) context.log(`warning: no row of ${name} is left to score`)
  if (train.length === 0 || val.length === 0)
    throw new HedError(
      'DATA',
      `no rows are left to train on: ${train.length} train, ${val.length} val, ${test.length} test`,
      { hint: 'Give more data, or hold another drug or cell out.' },
    )
  await writeResponses(join(context.directory, RUN_FILES.testRows), responses(data, test))
}

/** For a look while the RUN lasts: the folder goes with it. */
async function writePartitions(
  context: RunContext,
  data: HedData,
  partition: Partition,
): Promise<void> {
  const { temporary } = context
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  for (const which of ['train', 'val'] as const) {
    const { cells, drugs, auc } = responses(data, partition[which])
    const columns = { [CELL]: cells, [DRUG]: drugs, [AUC]: auc }
    await writeParquet(join(temporary, `rsp_${which}_data.parquet`), columns)
  }
  context.log(`train and val rows are in ${temporary} until the RUN ends`)
}

function responses({ cells, drugs, auc }: HedData, rows: Int32Array): Responses {
  const named = ({ values, codes }: Categories) => Array.from(rows, row => values[codes[row]!]!)
  return {
    cells: named(cells),
    drugs: named(drugs),
    auc: Float64Array.from(rows, row => auc[row]!),
  }
}

async function newTrainer(
  options: Hyperparameters,
  { data, backend, threads }: HedTools,
  key: Key,
  rows: number,
): Promise<Trainer> {
  const { cellTable, drugTable } = data
  const { optimiser, loss } = options.training
  const batchSize = Math.min(options.training.batchSize, rows) // memory is laid out for it
  const spec = unoSpec(options, cellTable.names.length, drugTable.names.length)
  const tables = {
    cell: cellTable.values,
    cellFeatures: cellTable.names.length,
    drug: drugTable.values,
    drugFeatures: drugTable.names.length,
  }
  return backend.create(
    { spec, tables, loss, optimiser, batchSize, threads, key },
    initialState(spec, optimiser, key),
  )
}

async function trainUno(
  context: RunContext,
  options: Hyperparameters,
  { data, store }: HedTools,
  partition: Partition,
  trainer: Trainer,
  key: Key,
): Promise<TrainResult> {
  const { training } = options
  const directory = join(context.directory, RUN_FILES.ckpts)
  await mkdir(directory, { recursive: true })
  try {
    return await train({
      options: training,
      trainer,
      train: samples(data, partition.train),
      val: samples(data, partition.val),
      key,
      place: {
        directory,
        options: training.ckpt,
        store,
        workName: context.workName,
        fence: () => context.fence(),
        spec: unoSpec(options, data.cellTable.names.length, data.drugTable.names.length),
        optimiser: training.optimiser,
        digests: context.digests,
        features: { cell: data.cellTable.names, drug: data.drugTable.names },
        log: text => context.log(text),
      },
      signal: context.signal,
      onPart: (epoch, part, rate) =>
        context.progress({ phase: 'train', epoch, epochs: training.epochs, part, rate }),
      onEpoch: async (epoch, history) => {
        const [loss, valLoss] = [history.loss.at(-1)!, history.val_loss.at(-1)!]
        const epochSeconds = history.seconds.at(-1)!
        const rate = partition.train.length / epochSeconds
        context.log(
          `epoch ${epoch}/${training.epochs} loss ${loss.toPrecision(6)} val_loss ${valLoss.toPrecision(6)} ${epochSeconds.toFixed(1)} s ${Math.round(rate)} samples/s`,
        )
        const epochs = training.epochs
        context.progress({ phase: 'train', epoch, epochs, part: 0, loss, valLoss, epochSeconds })
        await writeHistory(join(context.directory, RUN_FILES.history), history)
      },
    })
  } catch (error) {
    if (context.signal.aborted) throw new Stopped()
    throw error
  }
}

async function score(
  context: RunContext,
  data: HedData,
  rowNumbers: Int32Array,
  trainer: Trainer,
  which: 'val' | 'test',
  heldOut: HeldOut,
): Promise<void> {
  const predicted = await trainer.predict(samples(data, rowNumbers).rows)
  const auc = Float64Array.from(rowNumbers, row => data.auc[row]!)
  const found = { ...scores(auc, predicted), n: auc.length }
  const result = { ...found, ...describe(heldOut, data, rowNumbers) }
  const file = (name: keyof typeof RUN_FILES) => join(context.directory, RUN_FILES[name])
  await writeAtomic(file(`${which}Scores`), `${JSON.stringify(result, null, 4)}\n`)
  const labels = labelsOf(heldOut, data, rowNumbers)
  await writePredictions(file(`${which}Predictions`), auc, predicted, labels)
}

/** Rows by number → codes of the feature tables and responses. */
function samples({ cells, drugs, auc, cellTable, drugTable }: HedData, rows: Int32Array): Samples {
  return {
    rows: {
      cell: rows.map(row => cellTable.rowOf[cells.codes[row]!]!),
      drug: rows.map(row => drugTable.rowOf[drugs.codes[row]!]!),
    },
    y: Float32Array.from(rows, row => auc[row]!),
  }
}
