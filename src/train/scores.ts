import { pearson, spearman, variance } from '../base/statistics.js'

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
    scc: spearman(y, p),
    r2: spread > 0 ? 1 - squares / spread : null,
  }
}
