import { forwardGraph, trainingGraph } from '../graph.js'
import { loadLoss, lossSlopes } from '../losses.js'
import { optimise } from '../optimisers.js'
import { layout } from '../spec.js'
import type { State, TrainerOptions } from '../trainer.js'
import { rowWeights } from './batch.js'
import { fillMasks } from './dropout-masks.js'
import { allocate, type Memory } from './ort-memory.js'
import { newPredictor } from './ort-predict.js'
import { floats, ints, newSession, tableTensor, type Tensor } from './ort-session.js'
import type { Epoch, ServedTrainer } from './trainer-thread.js'

export async function newOrtTrainer(options: TrainerOptions, start: State): Promise<ServedTrainer> {
  const { spec, tables, loss, batchSize, optimiser, key } = options
  const plan = layout(spec)
  const memory = allocate(spec, plan, batchSize, start.moments.length)
  const { weights, gradients } = memory
  let step = 0
  let momentum = 1
  const load = (state: State) => {
    weights.set(state.weights)
    state.moments.forEach((m, i) => memory.moments[i]!.set(m))
    step = state.step
    momentum = state.momentum
  }
  load(start)

  const session = await newSession(trainingGraph(spec, loss.type, tables), options.threads)
  await loadLoss(loss)
  const ahead =
    loss.type === 'custom'
      ? await newSession(forwardGraph(spec, tables), options.threads)
      : undefined
  const feeds: Record<string, Tensor> = {
    cell_table: tableTensor(tables.cell, tables.cellFeatures),
    drug_table: tableTensor(tables.drug, tables.drugFeatures),
  }
  const fetches: Record<string, Tensor> = {}
  for (const { name, offset, length, shape } of plan.slots) {
    feeds[name] = floats(weights.subarray(offset, offset + length), shape)
    fetches[`${name}/grad`] = floats(gradients.subarray(offset, offset + length), shape)
  }
  const predict = await newPredictor(options, plan, weights, feeds)
  const full = newBatch(batchSize, memory)

  const trainStep = async (epoch: Epoch, from: number, index: number): Promise<number> => {
    const { rows, y } = epoch
    const n = Math.min(batchSize, y.length - from)
    const batch = n === batchSize ? full : newBatch(n, memory)
    batch.cell.set(rows.cell.subarray(from, from + n))
    batch.drug.set(rows.drug.subarray(from, from + n))
    batch.y.set(y.subarray(from, from + n))
    rowWeights(loss, batch.y, batch.weight)
    fillMasks(memory.kernel, memory.masks, key, epoch.epoch, index, n)
    if (ahead) {
      const { y: _, weight, ...others } = batch.feeds
      // the loss is not in the graph: what the step predicts comes first, its slopes go in
      const { prediction } = batch
      await ahead.run({ ...feeds, ...others }, { prediction: floats(prediction, [n, 1]) })
      const setSlope = (r: number, slope: number) => (batch.weight[r] = slope)
      batch.loss[0] = lossSlopes(loss, batch.y, r => prediction[r]!, setSlope)
      await session.run({ ...feeds, ...others, slope: weight! }, fetches)
    } else await session.run({ ...feeds, ...batch.feeds }, { ...fetches, ...batch.fetches })
    step++
    const { kernel, pointers } = memory
    momentum = optimise(kernel, optimiser, pointers, epoch.learningRate, step, momentum)
    return batch.loss[0]! * n
  }

  return {
    trainEpoch: async (epoch, onStep, stop) => {
      let sum = 0
      const total = epoch.y.length
      for (let from = 0, index = 0; from < total; from += batchSize, index++) {
        if (stop()) return undefined
        sum += await trainStep(epoch, from, index)
        onStep(Math.min(total, from + batchSize), total)
      }
      return sum / total
    },
    predict,
    state: () => ({
      weights: weights.slice(),
      moments: memory.moments.map(m => m.slice()),
      step,
      momentum,
    }),
    load,
  }
}

/** Buffers for batches of one length, and their tensors. */
interface Batch {
  readonly cell: Int32Array
  readonly drug: Int32Array
  readonly y: Float32Array
  readonly weight: Float32Array
  readonly loss: Float32Array
  /** Of a custom loss. */
  readonly prediction: Float32Array
  readonly feeds: Readonly<Record<string, Tensor>>
  readonly fetches: Readonly<Record<string, Tensor>>
}

function newBatch(n: number, memory: Memory): Batch {
  const cell = new Int32Array(n)
  const drug = new Int32Array(n)
  const y = new Float32Array(n)
  const weight = new Float32Array(n)
  const loss = new Float32Array(1)
  const masks = memory.masks.map(
    ({ layer, values, units }) =>
      [`${layer}/mask`, floats(values.subarray(0, n * units), [n, units])] as const,
  )
  const feeds = {
    ...Object.fromEntries(masks),
    cell: ints(cell),
    drug: ints(drug),
    y: floats(y, [n, 1]),
    weight: floats(weight, [n, 1]),
  }
  const prediction = new Float32Array(n)
  return { cell, drug, y, weight, loss, prediction, feeds, fetches: { loss: floats(loss, []) } }
}
