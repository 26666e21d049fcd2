/** Scores as scikit-learn and SciPy compute them; null where undefined, never NaN. */
export interface Scores {
  readonly mse: number | null
  readonly rmse: number | null
  /** Pearson correlation; null for constant y or p. */
  readonly pcc: number | null
  /** Spearman correlation, ties with average ranks; null for constant y or p. */
  readonly scc: number | null
  /** Coefficient of determination; null for constant y. */
  readonly r2: number | null
}

/** @param y true values @param p predictions; both of length n ≥ 0 */
export function scores(y: ArrayLike<number>, p: ArrayLike<number>): Scores {
  const n = y.length
  if (n === 0) return { mse: null, rmse: null, pcc: null, scc: null, r2: null }
  let squares = 0
  for (let i = 0; i < n; i++) squares += (y[i]! - p[i]!) ** 2
  const mse = squares / n
  const spread = n * variance(y)
  return {
    mse,
    rmse: Math.sqrt(mse),
    pcc: pearson(y, p),
    scc: pearson(ranks(y), ranks(p)),
    r2: spread > 0 ? 1 - squares / spread : null,
  }
}

/** Population variance; 0 for constant values, exactly. */
export function variance(x: ArrayLike<number>): number {
  const n = x.length
  if (n === 0 || isConstant(x)) return 0
  const mean = average(x)
  let sum = 0
  for (let i = 0; i < n; i++) sum += (x[i]! - mean) ** 2
  return sum / n
}

function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (isConstant(a) || isConstant(b)) return null
  const [ma, mb] = [average(a), average(b)]
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

/** 1-based ranks; equal values share the average of theirs. */
function ranks(x: ArrayLike<number>): Float64Array {
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

function average(x: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]!
  return sum / x.length
}
