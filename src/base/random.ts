import { createHash } from 'node:crypto'

/**
 * Philox4x32-10: four random 32-bit words as a pure function of key and counter, so there is no
 * generator state to save and a RUN gives the same numbers on any rank, in any order, after any restart.
 *
 * @see Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11
 */
export type Key = readonly [seed: number, name: number]

/** What the numbers are for: the first word of the counter. Never renumber: results depend on it. */
export const STREAM = { split: 1, init: 2, shuffle: 3, dropout: 4, demo: 5, bootstrap: 6 } as const
export type Stream = (typeof STREAM)[keyof typeof STREAM]

/**
 * @param seed integer 0 … 2^32−1
 * @param name what is drawn for, e.g. the drug's name: first 4 bytes, little-endian, of its SHA-256
 */
export function randomKey(seed: number, name: string): Key {
  return [seed >>> 0, createHash('sha256').update(name).digest().readUInt32LE(0)]
}

/**
 * @param out receives 4 words, each uniform in 0 … 2^32−1
 */
export function philox(
  key: Key,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  out: Uint32Array,
): void {
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const h0 = mulHigh(0xd2511f53, c0)
    const l0 = Math.imul(0xd2511f53, c0) >>> 0
    const h1 = mulHigh(0xcd9e8d57, c2)
    const l1 = Math.imul(0xcd9e8d57, c2) >>> 0
    c0 = (h1 ^ c1 ^ k0) >>> 0
    c1 = l1
    c2 = (h0 ^ c3 ^ k1) >>> 0
    c3 = l0
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/**
 * Fill with random words: element i comes from counter (stream, epoch, step, i >> 2).
 */
export function randomWords(
  key: Key,
  stream: Stream,
  epoch: number,
  step: number,
  out: Uint32Array,
): void {
  const four = new Uint32Array(4)
  for (let i = 0; i < out.length; i += 4) {
    philox(key, stream, epoch, step, i >>> 2, four)
    for (let j = 0; j < 4 && i + j < out.length; j++) out[i + j] = four[j]!
  }
}

/** Uniform floats in [0, 1), 24 bits each, from the same counters as randomWords. */
export function randomFloats(
  key: Key,
  stream: Stream,
  epoch: number,
  step: number,
  length: number,
): Float32Array {
  const words = new Uint32Array(length)
  randomWords(key, stream, epoch, step, words)
  return Float32Array.from(words, word => (word >>> 8) / 2 ** 24)
}

/**
 * Seeded Fisher–Yates, in place. Position i (from the end) swaps with one in 0 … i, chosen by the high
 * half of word · (i + 1): bias below (i + 1) / 2^32.
 *
 * @param count how many positions to settle, from the end; the last `count` elements are then a uniform
 *   sample. Default: all.
 */
export function shuffle(
  key: Key,
  stream: Stream,
  epoch: number,
  values: Int32Array,
  count: number = values.length,
): void {
  const words = new Uint32Array(Math.min(count, values.length))
  randomWords(key, stream, epoch, 0, words)
  for (let k = 0; k < words.length; k++) {
    const i = values.length - 1 - k
    const j = mulHigh(words[k]!, i + 1)
    const held = values[i]!
    values[i] = values[j]!
    values[j] = held
  }
}

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const carry = a0 * b1 + (middle & 0xffff) // < 2^33: exact in a double
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0
}
