import type { Pointers } from '../optimisers.js'
import type { Layout, ModelSpec } from '../spec.js'
import { planMasks, type Mask } from './dropout-masks.js'
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

export function allocate(
  spec: ModelSpec,
  { size }: Layout,
  batchSize: number,
  moments: number,
): Memory {
  const masks = planMasks(spec, batchSize)
  const { kernel, arrays } = loadKernel([
    ...Array<number>(moments + 2).fill(size),
    ...masks.map(({ length }) => length),
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
    masks: masks.map((mask, i) => ({ ...mask, values: rest[moments + i]! })),
  }
}
