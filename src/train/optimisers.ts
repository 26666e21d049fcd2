import { unreachable } from '../base/errors.js'
import type { OptimiserName } from './spec.js'

// Keras' defaults
const BETA_1 = 0.9
const BETA_2 = 0.999
const RHO_RMSPROP = 0.9
const RHO_ADADELTA = 0.95
const EPSILON = 1e-7

/** Flat arrays beside the weights: Adam, Nadam [m, v]; Adamax [m, u]; Adadelta [gradient², delta²]; RMSprop, Adagrad [v]. */
export function momentCount(optimiser: OptimiserName): number {
  switch (optimiser) {
    case 'SGD':
      return 0
    case 'RMSprop':
    case 'Adagrad':
      return 1
    case 'Adam':
    case 'Adadelta':
    case 'Adamax':
    case 'Nadam':
      return 2
  }
}

/** Names Keras gives the moments of a variable in `optimizer_weights`. */
export function momentNames(optimiser: OptimiserName): readonly string[] {
  switch (optimiser) {
    case 'SGD':
      return []
    case 'RMSprop':
      return ['velocity']
    case 'Adagrad':
      return ['accumulator']
    case 'Adadelta':
      return ['accumulated_grad', 'accumulated_delta_var']
    case 'Adamax':
      return ['momentum', 'norm']
    case 'Adam':
    case 'Nadam':
      return ['momentum', 'velocity']
  }
}

/** Where a state lies: for the WASM kernel V and G are pointers into its memory, for others what they have. */
export interface Places<V, G = V> {
  readonly weights: V
  readonly moments: readonly V[]
  readonly gradients: G
  /** Elements of each. */
  readonly size: number
}
export type Pointers = Places<number>

/**
 * The arithmetic of the optimisers, elementwise over n floats: weights and moments are updated in place.
 * See src/train/kernel/optimisers.ts for the formulas and what the numbers are.
 */
export interface Updates<V, G = V> {
  sgd(w: V, g: G, n: number, rate: number): void
  adam(w: V, m: V, v: V, g: G, n: number, rate: number, a: number, b: number, epsilon: number): void
  rmsprop(w: V, v: V, g: G, n: number, rate: number, rho: number, a: number, epsilon: number): void
  adagrad(w: V, s: V, g: G, n: number, rate: number, epsilon: number): void
  adadelta(
    w: V,
    s: V,
    d: V,
    g: G,
    n: number,
    rate: number,
    rho: number,
    a: number,
    epsilon: number,
  ): void
  adamax(
    w: V,
    m: V,
    u: V,
    g: G,
    n: number,
    rate: number,
    a: number,
    b2: number,
    epsilon: number,
  ): void
  nadam(
    w: V,
    m: V,
    v: V,
    g: G,
    n: number,
    rate: number,
    a: number,
    b: number,
    cm: number,
    cg: number,
    cv: number,
    epsilon: number,
  ): void
}

/**
 * One optimiser step. Corrections are computed here, in float64.
 *
 * @param step number of this step, 1-based
 * @param momentum Nadam's product of schedules before this step
 * @returns that product after it
 */
export function optimise<V, G>(
  updates: Updates<V, G>,
  optimiser: OptimiserName,
  { weights: w, moments, gradients: g, size: n }: Places<V, G>,
  rate: number,
  step: number,
  momentum: number,
): number {
  const [p, q] = moments as readonly [V, V] // as many as `momentCount` says
  const correct1 = 1 - BETA_1 ** step
  const correct2 = 1 - BETA_2 ** step
  const a = 1 - BETA_1
  const b = 1 - BETA_2
  switch (optimiser) {
    case 'SGD':
      updates.sgd(w, g, n, rate)
      return momentum
    case 'Adam':
      updates.adam(w, p, q, g, n, (rate * Math.sqrt(correct2)) / correct1, a, b, EPSILON)
      return momentum
    case 'RMSprop':
      updates.rmsprop(w, p, g, n, rate, RHO_RMSPROP, 1 - RHO_RMSPROP, EPSILON)
      return momentum
    case 'Adagrad':
      updates.adagrad(w, p, g, n, rate, EPSILON)
      return momentum
    case 'Adadelta':
      updates.adadelta(w, p, q, g, n, rate, RHO_ADADELTA, 1 - RHO_ADADELTA, EPSILON)
      return momentum
    case 'Adamax':
      updates.adamax(w, p, q, g, n, rate / correct1, a, BETA_2, EPSILON)
      return momentum
    case 'Nadam': {
      const now = BETA_1 * (1 - 0.5 * 0.96 ** step)
      const next = BETA_1 * (1 - 0.5 * 0.96 ** (step + 1))
      const product = momentum * now
      const ofMean = next / (1 - product * next)
      const ofGradient = (1 - now) / (1 - product)
      updates.nadam(w, p, q, g, n, rate, a, b, ofMean, ofGradient, 1 / correct2, EPSILON)
      return product
    }
    default:
      return unreachable(optimiser)
  }
}
