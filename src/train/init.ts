import { randomFloats, STREAM, type Key } from '../base/random.js'
import { momentCount } from './optimisers.js'
import { layout, type ModelSpec, type OptimiserName } from './spec.js'
import type { State } from './trainer.js'

/** Keras' initial_accumulator_value. */
const ADAGRAD_START = 0.1

/**
 * The state before the first step: Glorot uniform kernels, in ±√(6 / (inputs + units)), zero biases.
 * Kernel i of the layout comes from counter (init, 0, i).
 */
export function initialState(spec: ModelSpec, optimiser: OptimiserName, key: Key): State {
  const { slots, size } = layout(spec)
  const weights = new Float32Array(size)
  slots.forEach(({ name, layer, offset, length }, i) => {
    if (!name.endsWith('/kernel')) return
    const limit = Math.sqrt(6 / (layer.inputs + layer.units))
    const uniform = randomFloats(key, STREAM.init, 0, i, length)
    for (let e = 0; e < length; e++) weights[offset + e] = (2 * uniform[e]! - 1) * limit
  })
  const start = optimiser === 'Adagrad' ? ADAGRAD_START : 0
  const moments = Array.from({ length: momentCount(optimiser) }, () =>
    new Float32Array(size).fill(start),
  )
  return { weights, moments, step: 0, momentum: 1 }
}
