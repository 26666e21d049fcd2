import { STREAM, type Key } from '../../base/random.js'
import { layers, type ModelSpec } from '../spec.js'
import type { Kernel } from './kernel.js'

/** The dropout mask of a layer, in a kernel's memory. */
export interface Mask {
  /** Keras name of the layer. */
  readonly layer: string
  readonly units: number
  readonly dropout: number
  /** [batch, units], then up to 31 more, as the kernel fills 32 at a time. */
  readonly values: Float32Array
  /** Place of the layer in `layers(spec)`. */
  readonly place: number
}

/** The layers that have a mask, and the floats that each needs in the kernel's memory. */
export function planMasks(
  spec: ModelSpec,
  batchSize: number,
): readonly (Omit<Mask, 'values'> & { readonly length: number })[] {
  return layers(spec)
    .map(({ name, units, dropout }, place) => ({
      ...{ layer: name, units, dropout, place },
      length: padded(batchSize * units),
    }))
    .filter(({ dropout }) => dropout > 0)
}

/**
 * Fill the masks of one step. Element e of a layer's mask, row-major [n, units], has 16 random bits: half
 * e & 1 (the low one first) of word (e >> 1) & 3 of Philox with the counter
 *
 *     (STREAM.dropout, epoch, step, place << 24 | e >> 3)
 *
 * It is 0 if they are below round(dropout · 65536), else 1 / (1 − dropout). So a mask is a function of key,
 * epoch, step and layer alone, and every backend can have the same.
 *
 * @param step 0-based within the epoch
 * @param n rows of the batch
 */
export function fillMasks(
  kernel: Kernel,
  masks: readonly Mask[],
  [k0, k1]: Key,
  epoch: number,
  step: number,
  n: number,
): void {
  for (const { values, units, dropout, place } of masks)
    kernel.dropoutMask(
      values.byteOffset,
      padded(n * units),
      k0,
      k1,
      STREAM.dropout,
      epoch,
      step,
      place << 24,
      Math.min(65535, Math.round(dropout * 65536)),
      1 / (1 - dropout),
    )
}

function padded(length: number): number {
  return Math.ceil(length / 32) * 32
}
