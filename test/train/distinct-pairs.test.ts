import t from 'tap'
import { checkingRows } from '../../src/train/backends/batch.js'
import { distinctPairs, predictingOnce } from '../../src/train/backends/distinct-pairs.js'
import type {
  Backend,
  EpochOptions,
  Rows,
  Trainer,
  TrainerOptions,
} from '../../src/train/trainer.js'

const rowsOf = (...pairs: (readonly [number, number])[]): Rows => ({
  cell: Int32Array.from(pairs, ([cell]) => cell),
  drug: Int32Array.from(pairs, ([, drug]) => drug),
})

t.test('pairs are in the order they first appear in, and each row names its own', t => {
  const rows = rowsOf([3, 1], [0, 0], [3, 1], [1, 3], [0, 0], [3, 1])
  t.strictSame(distinctPairs(rows), {
    pairs: rowsOf([3, 1], [0, 0], [1, 3]),
    of: Int32Array.of(0, 1, 0, 2, 1, 0),
  })
  t.end()
})

for (const [what, rows] of Object.entries({
  'no rows': rowsOf(),
  'no pair twice': rowsOf([0, 1], [1, 0], [1, 1]),
  'too many pairs to look for': rowsOf([2 ** 20, 2 ** 20], [2 ** 20, 2 ** 20]),
}))
  t.test(`${what}: as they are`, t => {
    t.equal(distinctPairs(rows), undefined)
    t.end()
  })

t.test('a backend predicts each pair once, and says so of each row', async t => {
  const asked: Rows[] = []
  const trainer = {
    predict: (rows: Rows) => {
      asked.push(rows)
      return Promise.resolve(Float32Array.from(rows.cell, (cell, i) => 10 * cell + rows.drug[i]!))
    },
  } as Trainer
  const backend = { name: 'any', create: () => Promise.resolve(trainer) } as unknown as Backend
  const once = await predictingOnce(backend).create(undefined!, undefined!)
  const repeated = rowsOf([2, 1], [0, 5], [2, 1], [2, 1])
  t.strictSame(await once.predict(repeated), Float32Array.of(21, 5, 21, 21))
  const single = rowsOf([1, 1], [0, 1])
  t.strictSame(await once.predict(single), Float32Array.of(11, 1))
  t.strictSame(asked, [rowsOf([2, 1], [0, 5]), single])
})

t.test(
  'every backend says which code is no row of its table, of pairs that come again too',
  async t => {
    const tables = {
      cell: new Float32Array(8),
      cellFeatures: 4,
      drug: new Float32Array(9),
      drugFeatures: 3,
    }
    const trainer = { predict: () => t.fail(), trainEpoch: () => t.fail() } as unknown as Trainer
    const backend = { name: 'any', create: () => Promise.resolve(trainer) } as unknown as Backend
    const checking = checkingRows(predictingOnce(backend))
    const checked = await checking.create({ tables } as TrainerOptions, undefined!)
    for (const [pair, message] of [
      [[-1, 0], 'cell -1 is no row of its table, which has 2'],
      [[2, 0], 'cell 2 is no row of its table, which has 2'],
      [[0, 3], 'drug 3 is no row of its table, which has 3'],
    ] as const) {
      const rows = rowsOf(pair, pair)
      await t.rejects(checked.predict(rows), { name: 'RangeError', message })
      await t.rejects(checked.trainEpoch({ rows } as EpochOptions), { name: 'RangeError', message })
    }
  },
)
