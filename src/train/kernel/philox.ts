// Philox4x32-10 for four counters at once. Lane l of every vector belongs to counter c3 + l.

const M0: u32 = 0xd2511f53
const M1: u32 = 0xcd9e8d57
const W0: u32 = 0x9e3779b9
const W1: u32 = 0xbb67ae85

/** Fill `length` words at `out`: word i comes from the block with counter (c0, c1, c2, c3 + (i >> 2)). */
export function randomWords(
  out: usize,
  length: i32,
  k0: u32,
  k1: u32,
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
): void {
  for (let i = 0; i < length; i += 16)
    fourBlocks(out + (<usize>i << 2), k0, k1, c0, c1, c2, c3 + (i >> 2))
}

/**
 * Fill `length` floats at `out` with 0 or `scale`. Element e is 0 if its 16 random bits are below
 * `threshold`; the bits are half e & 1 (low first) of word (e >> 1) & 3 of the block with counter
 * (c0, c1, c2, c3 + (e >> 3)) under key (k0, k1).
 */
export function dropoutMask(
  out: usize,
  length: i32,
  k0: u32,
  k1: u32,
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
  threshold: i32,
  scale: f32,
): void {
  const limit = i16x8.splat(<i16>threshold)
  const kept = f32x4.splat(scale)
  for (let e = 0; e < length; e += 32) {
    const at = out + (<usize>e << 2)
    // 16 words where the last 16 floats will be
    fourBlocks(at + 64, k0, k1, c0, c1, c2, c3 + (e >> 3))
    const w0 = v128.load(at + 64)
    const w1 = v128.load(at + 80)
    const w2 = v128.load(at + 96)
    const w3 = v128.load(at + 112)
    store8(at, w0, limit, kept)
    store8(at + 32, w1, limit, kept)
    store8(at + 64, w2, limit, kept)
    store8(at + 96, w3, limit, kept)
  }
}

/** As `dropoutMask`, but bytes: 0, or −1 where the element is kept. @param words room for 64 bytes */
export function keepBytes(
  out: usize,
  words: usize,
  length: i32,
  k0: u32,
  k1: u32,
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
  threshold: i32,
): void {
  const limit = i16x8.splat(<i16>threshold)
  for (let e = 0; e < length; e += 32) {
    fourBlocks(words, k0, k1, c0, c1, c2, c3 + (e >> 3))
    const low = i8x16.narrow_i16x8_s(
      i16x8.ge_u(v128.load(words), limit),
      i16x8.ge_u(v128.load(words, 16), limit),
    )
    const high = i8x16.narrow_i16x8_s(
      i16x8.ge_u(v128.load(words, 32), limit),
      i16x8.ge_u(v128.load(words, 48), limit),
    )
    v128.store(out + <usize>e, low)
    v128.store(out + <usize>e, high, 16)
  }
}

// @ts-ignore: decorator
@inline function store8(at: usize, words: v128, limit: v128, kept: v128): void {
  const keep = i16x8.ge_u(words, limit)
  v128.store(at, v128.and(i32x4.extend_low_i16x8_s(keep), kept))
  v128.store(at, v128.and(i32x4.extend_high_i16x8_s(keep), kept), 16)
}

/** The 16 words of four blocks, in order. */
// @ts-ignore: decorator
@inline function fourBlocks(
  out: usize,
  k0: u32,
  k1: u32,
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
): void {
  const m0 = i32x4.splat(M0)
  const m1 = i32x4.splat(M1)
  let x0 = i32x4.splat(c0)
  let x1 = i32x4.splat(c1)
  let x2 = i32x4.splat(c2)
  let x3 = i32x4.add(i32x4.splat(c3), i32x4(0, 1, 2, 3))
  for (let round = 0; round < 10; round++) {
    const p0 = i64x2.extmul_low_i32x4_u(x0, m0)
    const p1 = i64x2.extmul_high_i32x4_u(x0, m0)
    const q0 = i64x2.extmul_low_i32x4_u(x2, m1)
    const q1 = i64x2.extmul_high_i32x4_u(x2, m1)
    x0 = v128.xor(v128.xor(highWords(q0, q1), x1), i32x4.splat(k0))
    x2 = v128.xor(v128.xor(highWords(p0, p1), x3), i32x4.splat(k1))
    x1 = lowWords(q0, q1)
    x3 = lowWords(p0, p1)
    k0 += W0
    k1 += W1
  }
  // 4 × 4 transpose: one vector a counter, its words in order
  const t0 = i8x16.shuffle(x0, x1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const t1 = i8x16.shuffle(x2, x3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const t2 = i8x16.shuffle(x0, x1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const t3 = i8x16.shuffle(x2, x3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  v128.store(out, lowHalves(t0, t1))
  v128.store(out, highHalves(t0, t1), 16)
  v128.store(out, lowHalves(t2, t3), 32)
  v128.store(out, highHalves(t2, t3), 48)
}

// @ts-ignore: decorator
@inline function lowWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
}

// @ts-ignore: decorator
@inline function highWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
}

// @ts-ignore: decorator
@inline function lowHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
}

// @ts-ignore: decorator
@inline function highHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
}
