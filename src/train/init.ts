import { STREAM, type Key } from '../base/random.js'
import { loadKernel } from './backends/kernel.js'
import { momentCount } from './optimisers.js'
import { layout, type ModelSpec, type OptimiserName } from './spec.js'
import type { State } from './trainer.js'

/** Keras' initial_accumulator_value. */
const ADAGRAD_START = 0.1

/**
 * The state before the first step: Glorot uniform kernels, in ±√(6 / (inputs + units)), zero biases.
 * Element e of slot i comes from word e & 3 of Philox with the counter (STREAM.init, 0, i, e >> 2): its upper
 * 24 bits, scaled to the range.
 */
export function initialState(spec: ModelSpec, optimiser: OptimiserName, [k0, k1]: Key): State {
  const { slots, size } = layout(spec)
  const weights = new Float32Array(size)
  const longest = Math.max(...slots.map(slot => slot.length))
  const { kernel, arrays } = loadKernel([Math.ceil(longest / 16) * 16])
  const { buffer, byteOffset } = arrays[0]!
  slots.forEach(({ name, layer, offset, length }, i) => {
    if (!name.endsWith('/kernel')) return
    const limit = Math.sqrt(6 / (layer.inputs + layer.units))
    kernel.randomWords(byteOffset, Math.ceil(length / 16) * 16, k0, k1, STREAM.init, 0, i, 0)
    const words = new Uint32Array(buffer, byteOffset, length)
    for (let e = 0; e < length; e++)
      weights[offset + e] = (2 * ((words[e]! >>> 8) / 2 ** 24) - 1) * limit
  })
  const start = optimiser === 'Adagrad' ? ADAGRAD_START : 0
  const moments = Array.from({ length: momentCount(optimiser) }, () =>
    new Float32Array(size).fill(start),
  )
  return { weights, moments, step: 0, momentum: 1 }
}
