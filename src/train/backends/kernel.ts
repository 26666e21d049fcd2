import { readFileSync } from 'node:fs'

/**
 * The exports of the WASM kernel (src/train/kernel). Pointers are bytes, multiples of 16; lengths
 * count float32s or words: multiples of 4 for optimisers, 16 for words, 32 for masks.
 */
export interface Kernel {
  /** Word i as in `randomWords` of src/base/random.ts, from counter (c0, c1, c2, c3 + (i >> 2)). */
  randomWords(
    out: number,
    length: number,
    k0: number,
    k1: number,
    c0: number,
    c1: number,
    c2: number,
    c3: number,
  ): void
  dropoutMask(
    out: number,
    length: number,
    k0: number,
    k1: number,
    c0: number,
    c1: number,
    c2: number,
    c3: number,
    threshold: number,
    scale: number,
  ): void
  sgd(w: number, g: number, n: number, rate: number): void
  adam(
    w: number,
    m: number,
    v: number,
    g: number,
    n: number,
    rate: number,
    a: number,
    b: number,
    epsilon: number,
  ): void
  rmsprop(
    w: number,
    v: number,
    g: number,
    n: number,
    rate: number,
    rho: number,
    a: number,
    epsilon: number,
  ): void
  adagrad(w: number, s: number, g: number, n: number, rate: number, epsilon: number): void
  adadelta(
    w: number,
    s: number,
    d: number,
    g: number,
    n: number,
    rate: number,
    rho: number,
    a: number,
    epsilon: number,
  ): void
  adamax(
    w: number,
    m: number,
    u: number,
    g: number,
    n: number,
    rate: number,
    a: number,
    b2: number,
    epsilon: number,
  ): void
  nadam(
    w: number,
    m: number,
    v: number,
    g: number,
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

/** A kernel over float32 arrays in one WebAssembly memory, which never grows: views of it stay good. */
export interface KernelMemory {
  readonly kernel: Kernel
  /** One per length asked for; starts on 64 bytes. All 0. */
  readonly arrays: readonly Float32Array<ArrayBuffer>[]
}

const PAGE = 65536
/** The kernel has no data of its own, but its compiler reserves the first kilobyte. */
const BASE = 4096

/** @param lengths of the arrays, in float32s; their byteOffset is the kernel's pointer */
export function loadKernel(lengths: readonly number[]): KernelMemory {
  const starts: number[] = []
  let end = BASE
  for (const length of lengths) {
    starts.push(end)
    end += Math.ceil((length * 4) / 64) * 64
  }
  const pages = Math.ceil(end / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const module = new WebAssembly.Module(readFileSync(new URL('../kernel.wasm', import.meta.url)))
  return {
    kernel: new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel,
    arrays: starts.map((start, i) => new Float32Array(memory.buffer, start, lengths[i])),
  }
}
