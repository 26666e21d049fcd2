import { HedError } from '../base/errors.js'
import { importLoss, rowLoss } from './custom-loss.js'
import type { Loss } from './spec.js'

/** In each thread, before the others. */
export async function loadLoss(loss: Loss): Promise<void> {
  if (loss.type === 'custom') await importLoss(loss.file)
}

/** For a backend whose device calls no functions of ours. @throws HedError USAGE */
export function requireBuiltIn(loss: Loss, backend: string): void {
  if (loss.type === 'custom')
    throw new HedError('USAGE', `custom_loss_module: ${backend} computes mse, mae and mae_poly`, {
      hint: 'A loss of your own needs BACKEND ort or blas.',
    })
}

/** Mean loss over rows, in float64. @param y true values @param p predictions */
export function lossOf(loss: Loss, y: ArrayLike<number>, p: ArrayLike<number>): number {
  const of = lossOfRow(loss)
  let sum = 0
  for (let i = 0; i < y.length; i++) sum += of(y[i]!, p[i]!)
  return sum / y.length
}

function lossOfRow(loss: Loss): (y: number, p: number) => number {
  switch (loss.type) {
    case 'mse':
      return (y, p) => (y - p) * (y - p)
    case 'mae':
      return (y, p) => Math.abs(y - p)
    case 'mae_poly':
      return (y, p) => Math.abs(y - p) * Math.pow(1 - y, loss.alpha)
    case 'custom':
      return rowLoss(loss).loss
  }
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
  if (loss.type === 'custom') {
    const { loss: of, slope } = rowLoss(loss)
    for (let r = 0; r < n; r++) {
      const p = predicted(r)
      sum += of(y[r]!, p)
      onSlope(r, slope(y[r]!, p) / n)
    }
    return sum / n
  }
  for (let r = 0; r < n; r++) {
    const error = predicted(r) - y[r]!
    const weight = loss.type === 'mae_poly' ? Math.pow(1 - y[r]!, loss.alpha) : 1
    sum += weight * (loss.type === 'mse' ? error * error : Math.abs(error))
    onSlope(r, (weight * (loss.type === 'mse' ? 2 * error : Math.sign(error))) / n)
  }
  return sum / n
}
