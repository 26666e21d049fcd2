import { inflateRawSync } from 'node:zlib'
import t from 'tap'
import { packCurves, packed, packPairs } from '../../../src/analysis/report/pack.js'
import type { RunPairs } from '../../../src/analysis/report/pairs.js'

function pairs(codes: number[], rows: number[], aucTrue: number[], aucPred: number[]): RunPairs {
  const sums = (means: number[]) => Float64Array.from(means, (mean, i) => mean * rows[i]!)
  return {
    ...{ codes: Int32Array.from(codes), rows: Float64Array.from(rows) },
    ...{ sumTrue: sums(aucTrue), sumPred: sums(aucPred) },
    ...{ sumSquares: sums(aucTrue), sumNoise: sums(aucTrue) },
  }
}

t.test('responses outside 0 … 1 come back too, and many replicates are 255 or more', async t => {
  const all = [pairs([0, 2], [300, 1], [-3, 9.25], [0.5, 7]), pairs([1], [2], [0.123456], [12.3])]
  const { scale, bytes } = packPairs(all, 3)
  t.same([scale.low, scale.high, scale.count], [-3, 12.3, 3])
  t.same([...bytes.subarray(0, 6)], [255, 0, 1, 0, 2, 0])
  t.ok((scale.high - scale.low) / scale.step <= 65_535, 'fits')
  const column = (c: number) =>
    [0, 1, 2].map(
      i => scale.low + scale.step * (bytes[6 + 6 * c + i]! + 256 * bytes[9 + 6 * c + i]!),
    )
  const wanted = [
    [-3, 9.25, 0.123456],
    [0.5, 7, 12.3],
  ]
  wanted.forEach((values, c) =>
    values.forEach((value, i) =>
      t.ok(
        Math.abs(column(c)[i]! - value) <= scale.step / 2 + 1e-12,
        `${column(c)[i]} is ${value}`,
      ),
    ),
  )
})

t.test('more than a million pairs lose a decimal', async t => {
  const many = 1_000_001
  const ones = new Array<number>(many).fill(1)
  const values = ones.map((_, i) => i / many)
  const { scale } = packPairs([pairs([...ones.keys()], ones, values, values)], many)
  t.equal(scale.step, 1e-3)
})

t.test('curves of RUNs of different lengths; what is unknown is NaN', async t => {
  const bytes = packCurves(
    [
      [[1, 2], [3], []],
      [[], [], []],
      [[5], [null], [6]],
    ],
    [2, 0, 1],
  )
  t.same([...new Float32Array(bytes.buffer)], [1, 2, 5, 3, NaN, NaN, NaN, NaN, 6])
  const text = packed({ curves: bytes })['curves']!
  t.same(new Uint8Array(inflateRawSync(Buffer.from(text, 'base64'))), bytes)
})
