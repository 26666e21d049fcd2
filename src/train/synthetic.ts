import { randomFloats, randomKey, STREAM } from '../base/random.js'
import type { Samples } from './loop.js'
import type { Dense, ModelSpec } from './spec.js'
import type { Tables } from './trainer.js'

/** Sizes of a made-up data set and of Uno over it: what self-tests and benchmarks train. */
export interface SyntheticSize {
  readonly cells: number
  readonly drugs: number
  readonly cellFeatures: number
  readonly drugFeatures: number
  /** Units of every hidden layer: three in each tower, five behind. */
  readonly width: number
  readonly dropout: number
}

/** Uno as IMPROVE has it by default, on as many cells and drugs as GDSC has: 12.58 M weights. */
export const FULL_UNO: SyntheticSize = {
  cells: 580,
  drugs: 170,
  cellFeatures: 958,
  drugFeatures: 1613,
  width: 1000,
  dropout: 0.1,
}

/** Of all that is random about it. */
export const SYNTHETIC_KEY = randomKey(0, 'trial')

export function syntheticSpec({
  cellFeatures,
  drugFeatures,
  width,
  dropout,
}: SyntheticSize): ModelSpec {
  const stack = (name: string, inputs: number, count: number): Dense[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `${name}_dense_${i + 1}`,
      inputs: i === 0 ? inputs : width,
      units: width,
      activation: 'relu',
      dropout,
    }))
  return {
    cell: stack('cell', cellFeatures, 3),
    drug: stack('drug', drugFeatures, 3),
    interaction: stack('interaction', 2 * width, 5),
    output: { name: 'auc', inputs: width, units: 1, activation: 'sigmoid', dropout: 0 },
  }
}

/** Features uniform in ±1. */
export function syntheticTables({
  cells,
  drugs,
  cellFeatures,
  drugFeatures,
}: SyntheticSize): Tables {
  const features = (place: number, length: number) => uniform(place, length).map(v => 2 * v - 1)
  return {
    cell: features(1, cells * cellFeatures),
    cellFeatures,
    drug: features(2, drugs * drugFeatures),
    drugFeatures,
  }
}

/** n pairs of any cell with any drug, and an auc in [0, 1). @param place other ones for another number */
export function syntheticSamples({ cells, drugs }: SyntheticSize, n: number, place = 1): Samples {
  const codes = (part: number, count: number) =>
    Int32Array.from(uniform(10 * place + part, n), v => Math.floor(v * count))
  return {
    rows: { cell: codes(1, cells), drug: codes(2, drugs) },
    y: uniform(10 * place + 3, n),
  }
}

function uniform(place: number, length: number): Float32Array {
  return randomFloats(SYNTHETIC_KEY, STREAM.demo, 0, place, length)
}
