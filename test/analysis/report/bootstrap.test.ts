import t from 'tap'
import { meanIntervals, ratioIntervals } from '../../../src/analysis/report/bootstrap.js'
import { randomKey, randomWords, STREAM } from '../../../src/base/random.js'
import { meanInterval } from '../../../src/base/statistics.js'

const uniform = (n: number, seed: number) => {
  const words = new Uint32Array(n)
  randomWords(randomKey(seed, 'test'), STREAM.demo, 0, 0, words)
  return Array.from(words, w => w / 2 ** 32)
}

t.test('a mean has the interval of base/statistics', async t => {
  const values = uniform(101, 1)
  const [found] = meanIntervals([values], 'x')
  const { mean, low, high } = meanInterval(values, 'x')
  for (const [a, b] of [
    [found!.mean, mean],
    [found!.low, low],
    [found!.high, high],
  ])
    t.ok(Math.abs(a! - b!) < 1e-12, `${a} is ${b}`)
})

t.test('a ratio of sums: items are drawn whole', async t => {
  const size = 60
  const items = Int32Array.from([...Array(40).keys()], i => i + 10)
  const sums = Float64Array.from(uniform(40, 2))
  const rows = Float64Array.from(uniform(40, 3), u => 1 + Math.floor(3 * u))
  const [found] = ratioIntervals([{ items, sums, rows }], size, 'x', 8)
  // each draw written out
  const ratios = Array.from({ length: 8 }, (_, b) => {
    const words = new Uint32Array(size)
    randomWords(randomKey(0, 'x'), STREAM.bootstrap, 0, b, words)
    const drawn = Array.from(words, w => Math.floor((w / 2 ** 32) * size) - 10)
    const known = drawn.filter(i => i >= 0 && i < 40)
    const total = (of: Float64Array) => known.reduce((sum, i) => sum + of[i]!, 0)
    return total(sums) / total(rows)
  }).sort((a, b) => a - b)
  const low = ratios[0]! + 0.175 * (ratios[1]! - ratios[0]!)
  const high = ratios[7]! - 0.175 * (ratios[7]! - ratios[6]!)
  t.ok(Math.abs(found!.low! - low) < 1e-12, `${found!.low} is ${low}`)
  t.ok(Math.abs(found!.high! - high) < 1e-12, `${found!.high} is ${high}`)
})

t.test('as wide as theory says: 1.96 standard errors to each side', async t => {
  const values = uniform(400, 4)
  const [{ mean, low, high }] = meanIntervals([values], 'wide') as [
    { mean: number; low: number; high: number },
  ]
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 399)
  const expected = (2 * 1.96 * sd) / 20
  t.ok(Math.abs((high - low) / expected - 1) < 0.08, `${high - low} is about ${expected}`)
})

t.test('too few items have no interval', async t => {
  t.same(meanIntervals([[1, 2, 3, 6]], 'few'), [{ mean: 3, low: null, high: null }])
  const [found] = meanIntervals([[1, null, 3, null, 6, 7, 8]], 'gaps')
  t.equal(found!.mean, 5, 'nulls are left out')
})
