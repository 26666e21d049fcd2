import { readFileSync } from 'node:fs'
import type { Kernel, Pointers } from '../optimisers.js'
import { layers, type Layout, type ModelSpec } from '../spec.js'
import type { State } from '../trainer.js'

/**
 * Weights, moments, gradients and dropout masks in one WebAssembly memory: the kernel works on it and
 * onnxruntime reads and writes views of it, so nothing is copied in a step.
 */
export interface Memory {
  readonly kernel: Kernel
  readonly pointers: Pointers
  /** Float32 views; the memory never grows, so they stay good. */
  readonly weights: Float32Array
  readonly moments: readonly Float32Array[]
  readonly gradients: Float32Array
  /** Layers with dropout: their place in the counter, their mask [batch, units]. */
  readonly masks: readonly Mask[]
}

export interface Mask {
  /** `cell_dense_1/mask` */
  readonly name: string
  readonly units: number
  readonly dropout: number
  readonly pointer: number
  readonly values: Float32Array
  /** Place of the layer among all layers: high byte of the last counter word. */
  readonly layer: number
}

const PAGE = 65536
/** The kernel has no data of its own, but its compiler reserves the first kilobyte. */
const BASE = 4096

export function allocate(
  spec: ModelSpec,
  layout: Layout,
  batchSize: number,
  moments: number,
): Memory {
  const sizes = [layout.size, ...Array<number>(moments).fill(layout.size), layout.size]
  const dropping = layers(spec)
    .map((layer, place) => ({ layer, place }))
    .filter(({ layer }) => layer.dropout > 0)
  // a mask is filled 32 floats at a time
  const maskSizes = dropping.map(({ layer }) => Math.ceil((batchSize * layer.units) / 32) * 32)
  let end = BASE
  const places = [...sizes, ...maskSizes].map(size => {
    const pointer = end
    end += Math.ceil((size * 4) / 64) * 64
    return { pointer, size }
  })
  const pages = Math.ceil(end / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const view = ({ pointer, size }: { pointer: number; size: number }) =>
    new Float32Array(memory.buffer, pointer, size)
  const module = new WebAssembly.Module(
    readFileSync(new URL('../kernel.wasm', import.meta.url)),
  )
  const instance = new WebAssembly.Instance(module, { env: { memory } })
  const [weights, ...rest] = places
  const gradients = rest[moments]!
  return {
    kernel: instance.exports as unknown as Kernel,
    pointers: {
      weights: weights!.pointer,
      moments: rest.slice(0, moments).map(p => p.pointer),
      gradients: gradients.pointer,
      size: layout.size,
    },
    weights: view(weights!),
    moments: rest.slice(0, moments).map(view),
    gradients: view(gradients),
    masks: dropping.map(({ layer, place }, i) => ({
      name: `${layer.name}/mask`,
      units: layer.units,
      dropout: layer.dropout,
      pointer: places[sizes.length + i]!.pointer,
      values: view(places[sizes.length + i]!),
      layer: place,
    })),
  }
}

/** A copy of the state, for a checkpoint. */
export function copyState(memory: Memory, step: number, momentum: number): State {
  return {
    weights: memory.weights.slice(),
    moments: memory.moments.map(m => m.slice()),
    step,
    momentum,
  }
}
