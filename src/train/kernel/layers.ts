// What lies between the matrix products of a training step, over blocks of row-major float32 matrices.
// `ld` counts the floats from one row to the next. Columns are worked on four at a time, so up to three
// behind the last one are touched: rows have room for them.

/** Copy rows `codes[from … to)` of a table into rows from … to. */
export function gatherRows(
  out: usize,
  ld: i32,
  table: usize,
  width: i32,
  codes: usize,
  from: i32,
  to: i32,
): void {
  const bytes = (<usize>width) << 2
  const stride = (<usize>ld) << 2
  for (let r = from; r < to; r++) {
    const code = <usize>load<i32>(codes + ((<usize>r) << 2))
    memory.copy(out + <usize>r * stride, table + code * bytes, bytes)
  }
}

/** out[r] = a[codesA[r]] + b[codesB[r]]; `ld` is that of all three. */
export function addRows(
  out: usize,
  a: usize,
  b: usize,
  ld: i32,
  codesA: usize,
  codesB: usize,
  rows: i32,
  columns: i32,
): void {
  const stride = (<usize>ld) << 2
  const width = (<usize>columns) << 2
  for (let r = 0; r < rows; r++) {
    const place = (<usize>r) << 2
    const x = a + <usize>load<i32>(codesA + place) * stride
    const y = b + <usize>load<i32>(codesB + place) * stride
    const z = out + <usize>r * stride
    for (let c: usize = 0; c < width; c += 16)
      v128.store(z + c, f32x4.add(v128.load(x + c), v128.load(y + c)))
  }
}

/** x += bias */
export function addBias(x: usize, ld: i32, bias: usize, rows: i32, columns: i32): void {
  const stride = (<usize>ld) << 2
  const width = (<usize>columns) << 2
  for (let r = 0; r < rows; r++, x += stride)
    for (let c: usize = 0; c < width; c += 16)
      v128.store(x + c, f32x4.add(v128.load(x + c), v128.load(bias + c)))
}

/** x = max(0, x + bias) */
export function biasRelu(x: usize, ld: i32, bias: usize, rows: i32, columns: i32): void {
  const stride = (<usize>ld) << 2
  const width = (<usize>columns) << 2
  const zero = f32x4.splat(0)
  for (let r = 0; r < rows; r++, x += stride)
    for (let c: usize = 0; c < width; c += 16)
      v128.store(x + c, f32x4.max(f32x4.add(v128.load(x + c), v128.load(bias + c)), zero))
}

/** x = max(0, x + bias) · scale where the keep byte is −1, else 0. @param keepLd bytes a row */
export function biasReluDrop(
  x: usize,
  ld: i32,
  bias: usize,
  keep: usize,
  keepLd: i32,
  scale: f32,
  rows: i32,
  columns: i32,
): void {
  const stride = (<usize>ld) << 2
  const width = (<usize>columns) << 2
  const zero = f32x4.splat(0)
  const factor = f32x4.splat(scale)
  for (let r = 0; r < rows; r++, x += stride, keep += <usize>keepLd)
    for (let c: usize = 0; c < width; c += 16) {
      const bytes = v128.load32_zero(keep + (c >> 2))
      const lanes = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes))
      const a = f32x4.max(f32x4.add(v128.load(x + c), v128.load(bias + c)), zero)
      v128.store(x + c, v128.and(f32x4.mul(a, factor), lanes))
    }
}

/** slope = 0 where nothing came out of relu and dropout; sums: those of each column, over the rows. */
export function reluSlope(
  slope: usize,
  slopeLd: i32,
  out: usize,
  outLd: i32,
  sums: usize,
  rows: i32,
  columns: i32,
): void {
  const slopeStride = (<usize>slopeLd) << 2
  const outStride = (<usize>outLd) << 2
  const width = (<usize>columns) << 2
  const zero = f32x4.splat(0)
  memory.fill(sums, 0, (width + 15) & ~15)
  for (let r = 0; r < rows; r++, slope += slopeStride, out += outStride)
    for (let c: usize = 0; c < width; c += 16) {
      const s = v128.and(v128.load(slope + c), f32x4.gt(v128.load(out + c), zero))
      v128.store(slope + c, s)
      v128.store(sums + c, f32x4.add(v128.load(sums + c), s))
    }
}

/** The sums of each column, over the rows. */
export function columnSums(x: usize, ld: i32, sums: usize, rows: i32, columns: i32): void {
  const stride = (<usize>ld) << 2
  const width = (<usize>columns) << 2
  memory.fill(sums, 0, (width + 15) & ~15)
  for (let r = 0; r < rows; r++, x += stride)
    for (let c: usize = 0; c < width; c += 16)
      v128.store(sums + c, f32x4.add(v128.load(sums + c), v128.load(x + c)))
}
