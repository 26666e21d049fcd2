import type { Loss } from '../spec.js'
import type { Backend, Rows } from '../trainer.js'

/** What each row counts in the mean of its batch. */
export function rowWeights(loss: Loss, y: Float32Array, out: Float32Array): void {
  if (loss.type === 'mae_poly') y.forEach((v, i) => (out[i] = (1 - v) ** loss.alpha / y.length))
  else out.fill(1 / y.length)
}

/** The same backend, that says which code is no row of its table: some libraries would count from its end. */
export function checkingRows(backend: Backend): Backend {
  return {
    ...backend,
    create: async (options, start) => {
      const { cell, cellFeatures, drug, drugFeatures } = options.tables
      const tables = { cell: cell.length / cellFeatures, drug: drug.length / drugFeatures }
      const trainer = await backend.create(options, start)
      return {
        ...trainer,
        trainEpoch: async epoch => {
          checkRows(epoch.rows, tables)
          return trainer.trainEpoch(epoch)
        },
        predict: async rows => {
          checkRows(rows, tables)
          return trainer.predict(rows)
        },
      }
    },
  }
}

/** @param tables rows of each @throws RangeError naming a code that is no row of its table */
function checkRows(rows: Rows, tables: Readonly<Record<'cell' | 'drug', number>>): void {
  for (const name of ['cell', 'drug'] as const) {
    const wrong = rows[name].find(code => code < 0 || code >= tables[name])
    if (wrong !== undefined)
      throw new RangeError(`${name} ${wrong} is no row of its table, which has ${tables[name]}`)
  }
}
