import { STREAM } from '../../base/random.js'
import { trainingGraph } from '../graph.js'
import { optimise } from '../optimisers.js'
import { layout, type Loss } from '../spec.js'
import type { EpochOptions, State, TrainerOptions } from '../trainer.js'
import { allocate, copyState, type Memory } from './ort-memory.js'
import { newPredictor } from './ort-predict.js'
import { floats, ints, newSession, type Tensor } from './ort-session.js'

/** A step of training and prediction with onnxruntime, in the thread it is called from. */
export interface OrtTrainer {
  /** @returns mean loss over the rows; undefined if `stop` said so between two steps */
  trainEpoch(
    options: Omit<EpochOptions, 'onProgress' | 'signal'>,
    onStep: (done: number, total: number) => void,
    stop: () => boolean,
  ): Promise<number | undefined>
  predict(rows: EpochOptions['rows']): Promise<Float32Array>
  state(): State
  load(state: State): void
}

export async function newOrtTrainer(options: TrainerOptions, start: State): Promise<OrtTrainer> {
  const { spec, tables, loss, batchSize, optimiser } = options
  const plan = layout(spec)
  const memory = allocate(spec, plan, batchSize, start.moments.length)
  let step = 0
  let momentum = 1
  const load = (state: State) => {
    memory.weights.set(state.weights)
    state.moments.forEach((m, i) => memory.moments[i]!.set(m))
    step = state.step
    momentum = state.momentum
  }
  load(start)

  const session = await newSession(trainingGraph(spec, loss.type), options)
  const parameters = new Map<string, Tensor>()
  const gradients: Record<string, Tensor> = {}
  for (const { name, offset, length, shape } of plan.slots) {
    parameters.set(name, floats(memory.weights.subarray(offset, offset + length), shape))
    gradients[`${name}/grad`] = floats(memory.gradients.subarray(offset, offset + length), shape)
  }
  const predictor = await newPredictor(options, plan, memory.weights, parameters)
  const batches = new Map<number, Batch>()
  const batch = (n: number) => {
    const found = batches.get(n) ?? newBatch(n, memory)
    batches.set(n, found)
    return found
  }
  const constant = {
    ...Object.fromEntries(parameters),
    cell_table: floats(tables.cell, [
      tables.cell.length / tables.cellFeatures,
      tables.cellFeatures,
    ]),
    drug_table: floats(tables.drug, [
      tables.drug.length / tables.drugFeatures,
      tables.drugFeatures,
    ]),
  }

  const trainStep = async (epoch: EpochOptions, at: number, place: number): Promise<number> => {
    const { rows, y } = epoch
    const b = batch(Math.min(batchSize, y.length - at))
    b.cell.set(rows.cell.subarray(at, at + b.n))
    b.drug.set(rows.drug.subarray(at, at + b.n))
    b.y.set(y.subarray(at, at + b.n))
    rowWeights(loss, b.y, b.weight)
    fillMasks(memory, options, epoch.epoch, place, b.n)
    await session.run({ ...constant, ...b.feeds }, { ...gradients, loss: b.lossTensor })
    step++
    momentum = optimise(
      memory.kernel,
      optimiser,
      memory.pointers,
      epoch.learningRate,
      step,
      momentum,
    )
    return b.loss[0]! * b.n
  }

  return {
    trainEpoch: async (epoch, onStep, stop) => {
      let sum = 0
      const total = epoch.y.length
      for (let at = 0, place = 0; at < total; at += batchSize, place++) {
        if (stop()) return undefined
        sum += await trainStep(epoch, at, place)
        onStep(Math.min(total, at + batchSize), total)
      }
      return sum / total
    },
    predict: rows => predictor.predict(rows),
    state: () => copyState(memory, step, momentum),
    load,
  }
}

/** Buffers and tensors for batches of one length. */
interface Batch {
  readonly n: number
  readonly cell: Int32Array
  readonly drug: Int32Array
  readonly y: Float32Array
  readonly weight: Float32Array
  readonly loss: Float32Array
  readonly lossTensor: Tensor
  readonly feeds: Readonly<Record<string, Tensor>>
}

function newBatch(n: number, memory: Memory): Batch {
  const cell = new Int32Array(n)
  const drug = new Int32Array(n)
  const y = new Float32Array(n)
  const weight = new Float32Array(n)
  const loss = new Float32Array(1)
  const masks = memory.masks.map(
    ({ name, values, units }) => [name, floats(values.subarray(0, n * units), [n, units])] as const,
  )
  const feeds = {
    ...Object.fromEntries(masks),
    cell: ints(cell),
    drug: ints(drug),
    y: floats(y, [n, 1]),
    weight: floats(weight, [n, 1]),
  }
  return { n, cell, drug, y, weight, loss, lossTensor: floats(loss, []), feeds }
}

/** What each row counts in the mean of its batch. */
function rowWeights(loss: Loss, y: Float32Array, out: Float32Array): void {
  const each = 1 / y.length
  if (loss.type !== 'mae_poly') out.fill(each)
  else for (let i = 0; i < y.length; i++) out[i] = Math.pow(1 - y[i]!, loss.alpha) * each
}

/** Masks of one step, for the layers with dropout. */
function fillMasks(
  { kernel, masks }: Memory,
  { key }: TrainerOptions,
  epoch: number,
  step: number,
  n: number,
): void {
  for (const { pointer, units, dropout, layer } of masks)
    kernel.dropoutMask(
      pointer,
      Math.ceil((n * units) / 32) * 32,
      key[0],
      key[1],
      STREAM.dropout,
      epoch,
      step,
      layer << 24,
      Math.round(dropout * 65536),
      1 / (1 - dropout),
    )
}
