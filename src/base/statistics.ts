import { randomKey, randomWords, STREAM } from './random.js'

/** Sums of columns of numbers: null where something is undefined, never NaN. */

/** NaN for none. */
export function mean(x: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]!
  return sum / x.length
}

/** Population variance; 0 for constant values, exactly. */
export function variance(x: ArrayLike<number>): number {
  const n = x.length
  if (n === 0 || isConstant(x)) return 0
  const middle = mean(x)
  let sum = 0
  for (let i = 0; i < n; i++) sum += (x[i]! - middle) ** 2
  return sum / n
}

/** Pearson correlation; null where either is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (isConstant(a) || isConstant(b)) return null
  const [ma, mb] = [mean(a), mean(b)]
  let [aa, bb, ab] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - ma, b[i]! - mb]
    aa += da * da
    bb += db * db
    ab += da * db
  }
  const r = ab / Math.sqrt(aa * bb)
  return Number.isFinite(r) ? Math.max(-1, Math.min(1, r)) : null
}

/** Spearman correlation: Pearson's of the ranks, so that ties are right; null where either is constant. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  return pearson(ranks(a), ranks(b))
}

/** 1-based ranks; equal values share the average of theirs. */
export function ranks(x: ArrayLike<number>): Float64Array {
  const order = Float64Array.from({ length: x.length }, (_, i) => i).sort((i, j) => x[i]! - x[j]!)
  const out = new Float64Array(x.length)
  for (let from = 0; from < order.length;) {
    let to = from + 1 // NaN equals nothing, not even itself
    while (to < order.length && x[order[to]!] === x[order[from]!]) to++
    for (let k = from; k < to; k++) out[order[k]!] = (from + 1 + to) / 2
    from = to
  }
  return out
}

function isConstant(x: ArrayLike<number>): boolean {
  for (let i = 1; i < x.length; i++) if (x[i] !== x[0]) return false
  return true
}

/** The middle one, or of an even number the mean of the middle two; NaN for none. */
export function median(x: ArrayLike<number>): number {
  return quantile(Float64Array.from(x).sort(), 0.5)
}

/** As NumPy by default: linear between the two values beside it. @param sorted ascending @param q 0 … 1 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (high - low) * (at - Math.floor(at))
}

/** A mean, and where it may lie if the study were done again with others of the same kind. */
export interface MeanInterval {
  readonly n: number
  /** null for no values. */
  readonly mean: number | null
  /** 95 % percentile bootstrap; null for fewer than 2 values. */
  readonly low: number | null
  readonly high: number | null
}

/** More would move the ends by less than what is shown of them. */
const RESAMPLES = 2000
const LEVEL = 0.95

/**
 * Mean with its percentile bootstrap interval; the same numbers each time.
 * @param x one value for each independent thing: a drug, a cell; not for each row of it
 * @param name seeds the draws, so that two means of one report do not share them
 */
export function meanInterval(x: ArrayLike<number>, name = ''): MeanInterval {
  const n = x.length
  if (n < 2) return { n, mean: n === 0 ? null : x[0]!, low: null, high: null }
  const key = randomKey(0, name)
  const words = new Uint32Array(n)
  const means = new Float64Array(RESAMPLES)
  for (let k = 0; k < RESAMPLES; k++) {
    randomWords(key, STREAM.bootstrap, 0, k, words)
    let sum = 0
    // exact in a double below 2^21 values; the bias is below n / 2^32
    for (let i = 0; i < n; i++) sum += x[Math.floor((words[i]! * n) / 2 ** 32)]!
    means[k] = sum / n
  }
  means.sort()
  const tail = (1 - LEVEL) / 2
  return { n, mean: mean(x), low: quantile(means, tail), high: quantile(means, 1 - tail) }
}
