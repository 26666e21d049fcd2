import { trainingGraph } from '../graph.js'
import { optimise } from '../optimisers.js'
import { layout, type Loss } from '../spec.js'
import type { State, TrainerOptions } from '../trainer.js'
import { allocate, fillMasks, type Memory } from './ort-memory.js'
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
    fillMasks(memory, key, epoch.epoch, index, n)
    await session.run({ ...feeds, ...batch.feeds }, { ...fetches, ...batch.fetches })
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
    ({ name, values, units }) => [name, floats(values.subarray(0, n * units), [n, units])] as const,
  )
  const feeds = {
    ...Object.fromEntries(masks),
    cell: ints(cell),
    drug: ints(drug),
    y: floats(y, [n, 1]),
    weight: floats(weight, [n, 1]),
  }
  return { cell, drug, y, weight, loss, feeds, fetches: { loss: floats(loss, []) } }
}

/** What each row counts in the mean of its batch. */
function rowWeights(loss: Loss, y: Float32Array, out: Float32Array): void {
  if (loss.type === 'mae_poly') y.forEach((v, i) => (out[i] = (1 - v) ** loss.alpha / y.length))
  else out.fill(1 / y.length)
}
