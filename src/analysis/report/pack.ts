import { deflateRawSync } from 'node:zlib'
import type { Blocks, PairScale } from './content.js'
import type { RunPairs } from './pairs.js'

/** Beyond so many pairs three decimals must do: a page has to stay below 10 MB. */
const MANY = 1_000_000
/** Largest u16. */
const MOST = 65_535

/** @param labels how many labels the group has @see content.ts, Blocks */
export function packPairs(
  all: readonly RunPairs[],
  labels: number,
): { readonly scale: PairScale; readonly bytes: Uint8Array } {
  const count = all.reduce((sum, pairs) => sum + pairs.codes.length, 0)
  const means = (key: 'sumTrue' | 'sumPred') => {
    const values = new Float64Array(count)
    let at = 0
    for (const pairs of all)
      for (let i = 0; i < pairs.codes.length; i++) values[at++] = pairs[key][i]! / pairs.rows[i]!
    return values
  }
  const columns = [means('sumTrue'), means('sumPred')]
  let [low, high] = [Infinity, -Infinity]
  for (const column of columns)
    for (const value of column) {
      if (value < low) low = value
      if (value > high) high = value
    }
  let step = count > MANY ? 1e-3 : 1e-4
  while ((high - low) / step > MOST) step *= 10
  const bytes = new Uint8Array(all.length * labels + 4 * count)
  all.forEach((pairs, entry) =>
    pairs.codes.forEach((code, i) => {
      bytes[entry * labels + code] = Math.min(255, pairs.rows[i]!)
    }),
  )
  columns.forEach((column, c) => {
    const plane = all.length * labels + 2 * c * count
    for (let i = 0; i < count; i++) {
      const value = Math.round((column[i]! - low) / step)
      bytes[plane + i] = value & 0xff
      bytes[plane + count + i] = value >> 8
    }
  })
  return { scale: { low, high, step, count }, bytes }
}

/** @see content.ts, Blocks */
export function packCurves(
  histories: readonly (readonly (readonly (number | null)[])[])[],
  epochs: readonly number[],
): Uint8Array {
  const total = epochs.reduce((a, b) => a + b, 0)
  const values = new Float32Array(3 * total).fill(NaN)
  let at = 0
  for (const [r, columns] of histories.entries()) {
    columns.forEach((column, c) =>
      column.forEach((value, e) => (values[c * total + at + e] = value ?? NaN)),
    )
    at += epochs[r]!
  }
  return new Uint8Array(values.buffer)
}

/** For the page: deflated, in base64, which no parser of HTML can take for markup. */
export function packed(blocks: Blocks): Record<string, string> {
  return Object.fromEntries(
    Object.entries(blocks).map(([name, bytes]) => [
      name,
      deflateRawSync(bytes, { level: 6 }).toString('base64'),
    ]),
  )
}
