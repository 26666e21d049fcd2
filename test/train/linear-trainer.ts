import { randomFloats, STREAM, type Key } from '../../src/base/random.js'
import { layout, type ModelSpec } from '../../src/train/spec.js'
import type { EpochOptions, Rows, State, Trainer } from '../../src/train/trainer.js'

/** A Uno in name; the trainer below uses its first weights as those of a line. */
export const LINE_SPEC: ModelSpec = {
  cell: [{ name: 'cell_dense_1', inputs: 3, units: 2, activation: 'relu', dropout: 0.1 }],
  drug: [{ name: 'drug_dense_1', inputs: 3, units: 2, activation: 'relu', dropout: 0.1 }],
  interaction: [],
  output: { name: 'auc', inputs: 4, units: 1, activation: 'sigmoid', dropout: 0 },
}

export function lineStart(): State {
  const { size } = layout(LINE_SPEC)
  const moments = [new Float32Array(size), new Float32Array(size)]
  return { weights: new Float32Array(size), moments, step: 0, momentum: 1 }
}

const BATCH = 4

/**
 * y = w₀ + w₁ cell + w₂ drug by momentum SGD over noisy rows: its best epoch is seldom the last, and all of
 * weights, moments, step, epoch, order and rate decide the next weights.
 */
export function lineTrainer(
  key: Key,
  onStep: (epoch: number, step: number) => void = () => undefined,
): Trainer & { readonly epochs: number[] } {
  let state = lineStart()
  const epochs: number[] = []
  const at = ({ cell, drug }: Rows, i: number) => [1, cell[i]! / 8, drug[i]! / 8]
  const guess = (x: readonly number[]) => x.reduce((sum, v, j) => sum + v * state.weights[j]!, 0)
  const trainStep = (o: EpochOptions, from: number, step: number): number => {
    const noise = randomFloats(key, STREAM.dropout, o.epoch, step, BATCH)
    let sum = 0
    const gradient = [0, 0, 0]
    const to = Math.min(o.y.length, from + BATCH)
    for (let i = from; i < to; i++) {
      const x = at(o.rows, i)
      const error = guess(x) - o.y[i]! + (noise[i - from]! - 0.5)
      sum += error * error
      x.forEach((v, j) => (gradient[j]! += (error * v) / BATCH))
    }
    const [m, v] = state.moments
    for (let j = 0; j < 3; j++) {
      m![j] = 0.9 * m![j]! + gradient[j]!
      v![j] = v![j]! + gradient[j]! ** 2
      state.weights[j]! -= (o.learningRate * m![j]!) / (1 + state.step / 1000)
    }
    state = { ...state, step: state.step + 1 }
    return sum
  }
  return {
    epochs,
    trainEpoch: async o => {
      epochs.push(o.epoch)
      let sum = 0
      for (let from = 0, step = 0; from < o.y.length; from += BATCH, step++) {
        onStep(o.epoch, step)
        await Promise.resolve()
        o.signal?.throwIfAborted()
        sum += trainStep(o, from, step)
        o.onProgress?.(from, o.y.length)
      }
      return { loss: sum / o.y.length, seconds: 0 }
    },
    predict: async rows => Float32Array.from(rows.cell, (_, i) => guess(at(rows, i))),
    state: async () => structuredClone(state),
    load: async ({ weights, moments, ...rest }) => {
      state.weights.set(weights)
      moments.forEach((m, i) => state.moments[i]!.set(m))
      state = { ...state, ...rest }
    },
    close: async () => undefined,
  }
}
