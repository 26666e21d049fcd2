// A tiny model with data, for tests of backends.
import { randomFloats, STREAM, type Key } from '../../src/base/random.js'
import { initialState } from '../../src/train/init.js'
import { layout, type ModelSpec } from '../../src/train/spec.js'
import type { EpochOptions, State, Tables, TrainerOptions } from '../../src/train/trainer.js'
import { dense } from './reference-net.js'

export const key: Key = [11, 12]

/** Uneven sizes: nothing is a multiple of a vector. Towers of different depth and dropout. */
export function tinySpec(activation: 'relu' | 'tanh' | 'sigmoid' | 'linear' = 'relu'): ModelSpec {
  return {
    cell: [
      dense('cell_dense_1', 5, 6, activation, 0.3),
      dense('cell_dense_2', 6, 7, activation, 0.2),
    ],
    drug: [dense('drug_dense_1', 9, 5, activation, 0.4)],
    interaction: [
      dense('interaction_dense_1', 12, 8, activation, 0.1),
      dense('interaction_dense_2', 8, 5, activation),
    ],
    output: dense('auc', 5, 1, 'sigmoid'),
  }
}

/** Uniform in ±1, from a place in the stream `demo`. */
export function uniform(place: number, length: number): Float32Array {
  return randomFloats(key, STREAM.demo, 0, place, length).map(v => 2 * v - 1)
}

export const tables: Tables = {
  cell: uniform(1, 4 * 5),
  cellFeatures: 5,
  drug: uniform(2, 3 * 9),
  drugFeatures: 9,
}

/** An epoch of n rows. */
export function tinyEpoch(n: number, more: Partial<EpochOptions> = {}): EpochOptions {
  return {
    epoch: 0,
    rows: {
      cell: Int32Array.from({ length: n }, (_, i) => (i * 7) % 4),
      drug: Int32Array.from({ length: n }, (_, i) => (i * 5) % 3),
    },
    y: randomFloats(key, STREAM.demo, 0, 3, n),
    learningRate: 0.01,
    ...more,
  }
}

export function tinyOptions(more: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    spec: tinySpec(),
    tables,
    loss: { type: 'mse' },
    optimiser: 'Adam',
    batchSize: 4,
    threads: 1,
    key,
    ...more,
  }
}

/** The initial state with biases that are not 0, so that few units are dead. */
export function tinyState(options: TrainerOptions): State {
  const state = initialState(options.spec, options.optimiser, key)
  for (const { name, offset, length } of layout(options.spec).slots)
    if (name.endsWith('/bias'))
      state.weights.set(
        uniform(4, length).map(v => v / 4),
        offset,
      )
  return state
}
