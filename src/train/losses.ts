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
