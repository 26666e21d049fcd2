import type { Loss } from './spec.js'

/** Mean loss over rows, in float64. @param y true values @param p predictions */
export function lossOf(loss: Loss, y: ArrayLike<number>, p: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < y.length; i++) {
    const error = Math.abs(y[i]! - p[i]!)
    if (loss.type === 'mse') sum += error * error
    else if (loss.type === 'mae') sum += error
    else sum += error * Math.pow(1 - y[i]!, loss.alpha)
  }
  return sum / y.length
}

/**
 * Mean loss over the rows of a batch, as `lossOf`, and its slope by each prediction.
 *
 * @param predicted ŷ of a row @param onSlope takes what belongs to a row
 */
export function lossSlopes(
  loss: Loss,
  y: Float32Array,
  predicted: (row: number) => number,
  onSlope: (row: number, slope: number) => void,
): number {
  const n = y.length
  let sum = 0
  for (let r = 0; r < n; r++) {
    const error = predicted(r) - y[r]!
    const weight = loss.type === 'mae_poly' ? Math.pow(1 - y[r]!, loss.alpha) : 1
    sum += weight * (loss.type === 'mse' ? error * error : Math.abs(error))
    onSlope(r, (weight * (loss.type === 'mse' ? 2 * error : Math.sign(error))) / n)
  }
  return sum / n
}
