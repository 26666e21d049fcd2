import { optimise } from '../optimisers.js'
import { layout } from '../spec.js'
import type { State, TrainerOptions } from '../trainer.js'
import { rowWeights } from './batch.js'
import { fillMasks, planMasks } from './dropout-masks.js'
import { loadKernel } from './kernel.js'
import type { Tensor, Tf } from './tfjs-load.js'
import { lossAndGradient, type Batch } from './tfjs-net.js'
import { predictRows } from './tfjs-predict.js'
import { newUpdates } from './tfjs-updates.js'
import type { Epoch, ServedTrainer } from './trainer-thread.js'

/**
 * Losses are read back when so much time has passed, in ms: reading waits for the device. Longer: a stop and
 * progress wait longer; shorter: a fast device idles more often.
 */
const READ_MS = 100

/** Training and prediction by TensorFlow's operations; tables and state stay on its device. */
export function newTfjsTrainer(tf: Tf, options: TrainerOptions, start: State): ServedTrainer {
  const { spec, loss, batchSize, optimiser, key } = options
  const plan = layout(spec)
  const updates = newUpdates(tf)
  const tables = {
    cell: tableTensor(tf, options.tables.cell, options.tables.cellFeatures),
    drug: tableTensor(tf, options.tables.drug, options.tables.drugFeatures),
  }
  const planned = planMasks(spec, batchSize)
  const { kernel, arrays } = loadKernel(planned.map(({ length }) => length))
  const masks = planned.map((mask, i) => ({ ...mask, values: arrays[i]! }))

  const flat = () => tf.tidy(() => tf.variable(tf.zeros([plan.size]), false))
  const weights = flat()
  const moments = start.moments.map(flat)
  let step = 0
  let momentum = 1
  const load = (state: State) => {
    const all = [state.weights, ...state.moments]
    if (all.some(({ length }) => length !== plan.size))
      throw new RangeError(`a state of ${state.weights.length} floats, want ${plan.size}`)
    // weights alone are enough to predict
    tf.tidy(() => all.forEach((values, i) => [weights, ...moments][i]!.assign(tf.tensor1d(values))))
    step = state.step
    momentum = state.momentum
  }
  load(start)

  const newBatch = ({ rows, y }: Epoch, from: number, to: number): Batch => {
    const n = to - from
    const gather = (name: 'cell' | 'drug') =>
      tf.gather(tables[name], tf.tensor1d(rows[name].slice(from, to), 'int32'))
    const auc = y.slice(from, to)
    const weight = new Float32Array(n)
    rowWeights(loss, auc, weight)
    return {
      cell: gather('cell'),
      drug: gather('drug'),
      y: tf.tensor2d(auc, [n, 1]),
      weight: tf.tensor2d(weight, [n, 1]),
      masks: new Map(
        masks.map(({ layer, values, units }) => [
          layer,
          tf.tensor2d(values.subarray(0, n * units), [n, units]),
        ]),
      ),
    }
  }

  /** @returns the loss, still on the device */
  const trainStep = (epoch: Epoch, from: number, to: number): Tensor => {
    fillMasks(kernel, masks, key, epoch.epoch, from / batchSize, to - from)
    const [met, gradients] = tf.tidy(() => {
      const batch = newBatch(epoch, from, to)
      return lossAndGradient(tf, spec, plan, loss.type, weights, batch) as [Tensor, Tensor]
    })
    step++
    const places = { weights, moments, gradients, size: plan.size }
    momentum = optimise(updates, optimiser, places, epoch.learningRate, step, momentum)
    gradients.dispose()
    return met
  }

  return {
    trainEpoch: async (epoch, onStep, stop) => {
      const total = epoch.y.length
      const losses = newLosses(tf)
      try {
        for (let from = 0; from < total; from += batchSize) {
          if (stop()) return undefined
          const to = Math.min(total, from + batchSize)
          losses.add(trainStep(epoch, from, to), to - from)
          if (losses.areDue() || to === total) {
            await losses.read()
            onStep(to, total)
          }
        }
        return losses.sum() / total
      } finally {
        losses.dispose()
      }
    },
    predict: rows => {
      return predictRows(tf, options, tables, weights, rows)
    },
    state: async () => {
      const [w, ...m] = await Promise.all([weights, ...moments].map(copyOf))
      return { weights: w!, moments: m, step, momentum }
    },
    load,
    close: () => tf.dispose([tables.cell, tables.drug, weights, ...moments]),
  }
}

/**
 * Losses of steps that may not be done yet. How many are let run ahead is doubled while reading comes soon and
 * halved when it comes late, so that it takes as long on any device.
 */
function newLosses(tf: Tf) {
  let waiting: { readonly met: Tensor; readonly n: number }[] = []
  let ahead = 1
  let sum = 0
  let last = performance.now()
  const dispose = () => {
    for (const { met } of waiting) met.dispose()
    waiting = []
  }
  return {
    add: (met: Tensor, n: number) => void waiting.push({ met, n }),
    areDue: () => waiting.length >= ahead,
    read: async () => {
      const stacked = tf.stack(waiting.map(({ met }) => met))
      const values = await stacked.data()
      stacked.dispose()
      waiting.forEach(({ n }, i) => (sum += values[i]! * n))
      dispose()
      const now = performance.now()
      ahead = now - last < READ_MS / 2 ? ahead * 2 : Math.max(1, Math.floor(ahead / 2))
      last = now
    },
    /** Of the losses of all rows read. */
    sum: () => sum,
    dispose,
  }
}

function tableTensor(tf: Tf, values: Float32Array, width: number) {
  return tf.tensor2d(values, [values.length / width, width])
}

/** Never the array that a tensor on the CPU holds: it is sent away. */
async function copyOf(tensor: Tensor): Promise<Float32Array> {
  return Float32Array.from(await tensor.data())
}
