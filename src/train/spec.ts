import type { Json } from '../base/digest.js'

/** Hidden activations; the derivative of each is a function of its output. */
export type Activation = 'relu' | 'tanh' | 'sigmoid' | 'linear'

/** Dense, then activation, then dropout on its output. */
export interface Dense {
  /** Keras layer name, e.g. `cell_dense_1`. */
  readonly name: string
  readonly inputs: number
  readonly units: number
  readonly activation: Activation
  /** Share of outputs set to 0 in training, in [0, 1); the rest is scaled by 1 / (1 - dropout). */
  readonly dropout: number
}

/** Uno as plain data: two towers, concatenated, then the interaction layers and one output. */
export interface ModelSpec {
  /** `cell_dense_1`, … over cell features. */
  readonly cell: readonly Dense[]
  /** `drug_dense_1`, … over drug features. */
  readonly drug: readonly Dense[]
  /** `interaction_dense_1`, … over [cell tower, drug tower]. */
  readonly interaction: readonly Dense[]
  /** `auc`: one unit, no dropout. */
  readonly output: Dense
}

export type OptimiserName = 'Adam' | 'SGD' | 'RMSprop' | 'Adagrad' | 'Adadelta' | 'Adamax' | 'Nadam'

/** mae_poly: mean(|y − ŷ| · (1 − y)^alpha). */
export type Loss =
  | { readonly type: 'mse' }
  | { readonly type: 'mae' }
  | { readonly type: 'mae_poly'; readonly alpha: number }
  | CustomLoss

/** Of the user's own: see custom-loss.ts. Its module must be imported in the thread that uses it. */
export interface CustomLoss {
  readonly type: 'custom'
  /** Absolute path of the module. */
  readonly file: string
  /** All hyperparameters of the RUN: what its `construct` is given. */
  readonly params: Readonly<Record<string, Json>>
}

/** All layers in the order of every state: towers interleaved from their inputs on. */
export function layers(spec: ModelSpec): readonly Dense[] {
  const towers: Dense[] = []
  for (let i = 0; i < Math.max(spec.cell.length, spec.drug.length); i++) {
    if (spec.cell[i]) towers.push(spec.cell[i]!)
    if (spec.drug[i]) towers.push(spec.drug[i]!)
  }
  return [...towers, ...spec.interaction, spec.output]
}

/** One tensor in the flat state. */
export interface Slot {
  /** `cell_dense_1/kernel` or `cell_dense_1/bias`. */
  readonly name: string
  readonly layer: Dense
  /** kernel [inputs, units] row-major, or bias [units]. */
  readonly shape: readonly number[]
  /** First element in the flat array; a multiple of 16 (64 bytes). */
  readonly offset: number
  readonly length: number
}

export interface Layout {
  readonly slots: readonly Slot[]
  /** Elements of a flat array, padding included; padding is 0 and stays 0. */
  readonly size: number
  /** Trainable weights, without padding. */
  readonly weights: number
}

/** Where each tensor lies in weights, moments and gradients: one layout for every backend. */
export function layout(spec: ModelSpec): Layout {
  const slots: Slot[] = []
  let offset = 0
  let weights = 0
  for (const layer of layers(spec)) {
    for (const [part, shape] of [
      ['kernel', [layer.inputs, layer.units]],
      ['bias', [layer.units]],
    ] as const) {
      const length = shape.reduce((a, b) => a * b, 1)
      slots.push({ name: `${layer.name}/${part}`, layer, shape, offset, length })
      offset += Math.ceil(length / 16) * 16
      weights += length
    }
  }
  return { slots, size: offset, weights }
}
