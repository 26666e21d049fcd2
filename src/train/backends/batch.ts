import type { Loss } from '../spec.js'
import type { Rows } from '../trainer.js'

/** What each row counts in the mean of its batch. */
export function rowWeights(loss: Loss, y: Float32Array, out: Float32Array): void {
  if (loss.type === 'mae_poly') y.forEach((v, i) => (out[i] = (1 - v) ** loss.alpha / y.length))
  else out.fill(1 / y.length)
}

/** @param tables rows of each @throws RangeError naming a code that is no row of its table */
export function checkRows(rows: Rows, tables: Readonly<Record<'cell' | 'drug', number>>): void {
  for (const name of ['cell', 'drug'] as const) {
    const wrong = rows[name].find(code => code < 0 || code >= tables[name])
    if (wrong !== undefined)
      throw new RangeError(`${name} ${wrong} is no row of its table, which has ${tables[name]}`)
  }
}
