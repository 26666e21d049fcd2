import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  mean,
  meanInterval,
  median,
  pearson,
  quantile,
  ranks,
  spearman,
} from '../../src/base/statistics.js'

interface Oracle {
  readonly correlations: readonly {
    readonly name: string
    readonly a: readonly number[]
    readonly b: readonly number[]
    readonly ranks_a: readonly number[]
    readonly spearman: number | null
    readonly spearman_pandas: number | null
    readonly pearson: number | null
  }[]
  readonly means: readonly {
    readonly name: string
    readonly values: readonly number[]
    readonly mean: number
    readonly low: number
    readonly high: number
    readonly standard_error: number
  }[]
  readonly quantiles: {
    readonly values: readonly number[]
    readonly quantiles: readonly [number, number][]
    readonly median: number
    readonly median_even: number
  }
}

/** By SciPy, pandas and NumPy: see the README beside it. */
const oracle = JSON.parse(readFileSync('test/fixtures/oracles/statistics.json', 'utf8')) as Oracle

function near(found: number | null, wanted: number | null, tolerance = 1e-12): boolean {
  if (found === null || wanted === null) return found === wanted
  return Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted))
}

for (const { name, a, b, ...wanted } of oracle.correlations)
  t.test(`ranks and correlations are those of SciPy and pandas: ${name}`, async t => {
    t.same([...ranks(a)], wanted.ranks_a)
    t.ok(near(spearman(a, b), wanted.spearman), `${spearman(a, b)}`)
    t.ok(near(spearman(a, b), wanted.spearman_pandas))
    t.ok(near(pearson(a, b), wanted.pearson))
  })

t.test('quantiles and medians are those of NumPy', async t => {
  const { values, quantiles, median: middle, median_even: even } = oracle.quantiles
  const sorted = values.toSorted((a, b) => a - b)
  for (const [q, wanted] of quantiles) t.ok(near(quantile(sorted, q), wanted), `${q}`)
  t.ok(near(median(values), middle))
  t.ok(near(median(values.slice(0, 10)), even))
})

for (const { name, values, low, high, standard_error: error, ...wanted } of oracle.means)
  t.test(`an interval is that of SciPy's bootstrap, but for the draws: ${name}`, async t => {
    const found = meanInterval(values, name)
    t.ok(near(found.mean, wanted.mean))
    t.equal(found.mean, mean(values))
    // an end's own error at 2,000 draws is about a twentieth of the standard error
    t.ok(Math.abs(found.low! - low) < 0.2 * error, `${found.low} ${low}`)
    t.ok(Math.abs(found.high! - high) < 0.2 * error, `${found.high} ${high}`)
    t.same(meanInterval(values, name), found, 'the same each time')
    t.not(meanInterval(values, 'another name').low, found.low, 'other draws')
  })

t.test('no interval is told of one value, and nothing of none', async t => {
  t.same(meanInterval([]), { n: 0, mean: null, low: null, high: null })
  t.same(meanInterval([3]), { n: 1, mean: 3, low: null, high: null })
})
