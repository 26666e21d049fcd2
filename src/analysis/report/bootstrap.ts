import { randomKey, randomWords, STREAM, type Key } from '../../base/random.js'
import { quantile } from '../../base/statistics.js'
import type { Interval } from './content.js'

/** Resamples for each drug and cell, of which there are many: the ends stand on 25 values each. */
export const RESAMPLES = 1000
/** For a mean over all of them, as in base/statistics.ts. */
export const MEAN_RESAMPLES = 2000
/** From fewer items no interval is told. */
const LEAST = 5

/** Sums over items of one sort for one mean: the mean is Σ sums / Σ rows of the items drawn. */
export interface Ratio {
  /** Which items it has. */
  readonly items: Int32Array
  readonly sums: Float64Array
  readonly rows: Float64Array
}

/**
 * Means with their intervals, all from the same resamples of `size` items (cells, or RUNs): an item is drawn with all
 * its rows, as rows of one cell are not independent. The same numbers for the same input, whenever asked.
 */
export function ratioIntervals(
  ratios: readonly Ratio[],
  size: number,
  name: string,
  resamples = RESAMPLES,
): Interval[] {
  const found = ratios.map(() => new Float64Array(resamples))
  const key = randomKey(0, name)
  const weights = new Float64Array(AT_ONCE * size)
  for (let b = 0; b < resamples; b += AT_ONCE) {
    weights.fill(0)
    for (let lane = 0; lane < AT_ONCE; lane++) draw(key, b + lane, weights, lane)
    for (let r = 0; r < ratios.length; r++) addMeans(ratios[r]!, weights, found[r]!, b)
  }
  return ratios.map(({ items, sums, rows }, r) =>
    interval(total(sums) / total(rows), found[r]!, items.length),
  )
}

/** Means of columns of values that count the same; where one is null its item is not in that mean. */
export function meanIntervals(
  columns: readonly (readonly (number | null)[])[],
  name: string,
): Interval[] {
  const ratios = columns.map((column): Ratio => {
    const known = column.flatMap((value, item) => (value === null ? [] : [{ value, item }]))
    return {
      items: Int32Array.from(known, k => k.item),
      sums: Float64Array.from(known, k => k.value),
      rows: new Float64Array(known.length).fill(1),
    }
  })
  return ratioIntervals(ratios, columns[0]?.length ?? 0, name, MEAN_RESAMPLES)
}

/** Resamples that share one pass over the sums, which then takes half the time. Every number of resamples is a multiple. */
const AT_ONCE = 4

/** Adds how often each of n items is drawn in n draws. @param weights AT_ONCE an item */
function draw(key: Key, b: number, weights: Float64Array, lane: number): void {
  const size = weights.length / AT_ONCE
  const words = new Uint32Array(size)
  randomWords(key, STREAM.bootstrap, 0, b, words)
  for (let i = 0; i < size; i++)
    weights[AT_ONCE * Math.floor((words[i]! * size) / 2 ** 32) + lane]! += 1
}

/** The means of one ratio in resamples b … b + 3. */
function addMeans(
  { items, sums, rows }: Ratio,
  weights: Float64Array,
  found: Float64Array,
  b: number,
): void {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let n0 = 0
  let n1 = 0
  let n2 = 0
  let n3 = 0
  for (let i = 0; i < items.length; i++) {
    const at = AT_ONCE * items[i]!
    const sum = sums[i]!
    const count = rows[i]!
    const w0 = weights[at]!
    const w1 = weights[at + 1]!
    const w2 = weights[at + 2]!
    const w3 = weights[at + 3]!
    s0 += w0 * sum
    n0 += w0 * count
    s1 += w1 * sum
    n1 += w1 * count
    s2 += w2 * sum
    n2 += w2 * count
    s3 += w3 * sum
    n3 += w3 * count
  }
  found[b] = s0 / n0
  found[b + 1] = s1 / n1
  found[b + 2] = s2 / n2
  found[b + 3] = s3 / n3
}

function interval(mean: number, found: Float64Array, items: number): Interval {
  // a resample that drew none of its items tells nothing of it
  const known = found.filter(Number.isFinite).sort()
  if (items < LEAST || known.length < found.length / 2) return { mean, low: null, high: null }
  return { mean, low: quantile(known, 0.025), high: quantile(known, 0.975) }
}

function total(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum
}
