import { readFileSync } from 'node:fs'
import { HedError } from '../../base/errors.js'
import type { Updates } from '../optimisers.js'

/**
 * The exports of the WASM kernel (src/train/kernel). Pointers are bytes, multiples of 16; lengths
 * count float32s or words: multiples of 4 for optimisers, 16 for words, 32 for masks. `ld` is the distance of
 * rows in floats, `keepLd` in bytes; columns are worked on four at a time.
 */
export interface Kernel extends Updates<number> {
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
  /** As `dropoutMask`, but bytes 0 and −1. @param words room for 64 bytes */
  keepBytes(
    out: number,
    words: number,
    length: number,
    k0: number,
    k1: number,
    c0: number,
    c1: number,
    c2: number,
    c3: number,
    threshold: number,
  ): void
  gatherRows(
    out: number,
    ld: number,
    table: number,
    width: number,
    codes: number,
    from: number,
    to: number,
  ): void
  addRows(
    out: number,
    a: number,
    b: number,
    ld: number,
    codesA: number,
    codesB: number,
    rows: number,
    columns: number,
  ): void
  addBias(x: number, ld: number, bias: number, rows: number, columns: number): void
  biasRelu(x: number, ld: number, bias: number, rows: number, columns: number): void
  biasReluDrop(
    x: number,
    ld: number,
    bias: number,
    keep: number,
    keepLd: number,
    scale: number,
    rows: number,
    columns: number,
  ): void
  reluSlope(
    slope: number,
    slopeLd: number,
    out: number,
    outLd: number,
    sums: number,
    rows: number,
    columns: number,
  ): void
  columnSums(x: number, ld: number, sums: number, rows: number, columns: number): void
}

/** A kernel over float32 arrays in one WebAssembly memory, which never grows: views of it stay good. */
export interface KernelMemory {
  readonly kernel: Kernel
  /** One per length asked for; starts on 64 bytes. All 0. */
  readonly arrays: readonly Float32Array<ArrayBuffer>[]
}

/** Floats that the kernel works on at a time: what two threads write next to each other begins on a multiple. */
export const VECTOR = 4

const PAGE = 65536
/** 4 GB: WebAssembly's pointers have 32 bits. */
const MOST_PAGES = 65536
/** The kernel has no data of its own, but its compiler reserves the first kilobyte. */
const BASE = 4096

/** Hands out places in a memory, one behind the other, each on 64 bytes. */
export interface Arena {
  /** @returns byte offset */
  readonly take: (bytes: number) => number
  /** Of the memory that holds all taken so far. @throws HedError DATA beyond 4 GB */
  readonly pages: () => number
}

export function newArena(): Arena {
  let end = BASE
  return {
    take: bytes => {
      const start = end
      end += Math.ceil(bytes / 64) * 64
      return start
    },
    pages: () => {
      const pages = Math.ceil(end / PAGE)
      if (pages <= MOST_PAGES) return pages
      const gb = (end / 2 ** 30).toFixed(1)
      throw new HedError(
        'DATA',
        `the model, its tables and a batch take ${gb} GB, want 4 or less`,
        {
          hint: 'Lower batch_size, or take another BACKEND.',
        },
      )
    },
  }
}

/** @param lengths of the arrays, in float32s; their byteOffset is the kernel's pointer */
export function loadKernel(lengths: readonly number[]): KernelMemory {
  const arena = newArena()
  const starts = lengths.map(length => arena.take(length * 4))
  const pages = arena.pages()
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const buffer = memory.buffer as ArrayBuffer
  return {
    kernel: instantiate('kernel.wasm', memory),
    arrays: starts.map((start, i) => new Float32Array(buffer, start, lengths[i])),
  }
}

/** The kernel over a memory that threads share. */
export function sharedKernel(memory: WebAssembly.Memory): Kernel {
  return instantiate('kernel-shared.wasm', memory)
}

function instantiate(file: string, memory: WebAssembly.Memory): Kernel {
  const module = new WebAssembly.Module(readFileSync(new URL(`../${file}`, import.meta.url)))
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel
}
