import { STREAM, type Key } from '../../base/random.js'
import type { Pointers } from '../optimisers.js'
import { layers, type Layout, type ModelSpec } from '../spec.js'
import { loadKernel, type Kernel } from './kernel.js'

/**
 * Weights, moments, gradients and dropout masks in one WebAssembly memory: the kernel works on it and
 * onnxruntime reads and writes views of it, so nothing is copied in a step.
 */
export interface Memory {
  readonly kernel: Kernel
  readonly pointers: Pointers
  readonly weights: Float32Array
  readonly moments: readonly Float32Array[]
  readonly gradients: Float32Array
  /** One per layer with dropout. */
  readonly masks: readonly Mask[]
}

export interface Mask {
  /** `cell_dense_1/mask` */
  readonly name: string
  readonly units: number
  readonly dropout: number
  /** [batch, units], then up to 31 more, as the kernel fills 32 at a time. */
  readonly values: Float32Array
  /** Place of the layer in `layers(spec)`. */
  readonly place: number
}

export function allocate(
  spec: ModelSpec,
  { size }: Layout,
  batchSize: number,
  moments: number,
): Memory {
  const dropping = layers(spec)
    .map((layer, place) => ({ layer, place }))
    .filter(({ layer }) => layer.dropout > 0)
  const { kernel, arrays } = loadKernel([
    ...Array<number>(moments + 2).fill(size),
    ...dropping.map(({ layer }) => padded(batchSize * layer.units)),
  ])
  const [weights, gradients, ...rest] = arrays
  const momentArrays = rest.slice(0, moments)
  return {
    kernel,
    pointers: {
      weights: weights!.byteOffset,
      moments: momentArrays.map(m => m.byteOffset),
      gradients: gradients!.byteOffset,
      size,
    },
    weights: weights!,
    moments: momentArrays,
    gradients: gradients!,
    masks: dropping.map(({ layer, place }, i) => ({
      name: `${layer.name}/mask`,
      units: layer.units,
      dropout: layer.dropout,
      values: rest[moments + i]!,
      place,
    })),
  }
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
  { kernel, masks }: Memory,
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
