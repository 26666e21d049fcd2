import * as fs from 'node:fs'
import t from 'tap'
import { randomKey } from '../../src/base/random.js'
import { inspectData, loadData, stageData, type HedData } from '../../workflows/hed/data.js'
import {
  countLeftOut,
  makePartition,
  partitionAtRandom,
  partitionByCell,
  partitionByDrug,
  subsetOf,
} from '../../workflows/hed/partition.js'
import { plainHoldOut, plainRandom, plainSubset } from './plain-partition.js'

const GDSC = process.env['GDSC_DIR'] ?? '../shared/data/gdsc'

/** n rows over 4 drugs and 5 cells; cell 4 and drug 3 have no features. */
function small(n: number): HedData {
  const code = (modulus: number, step: number) =>
    Int32Array.from({ length: n }, (_, i) => Math.floor(i / step) % modulus)
  const table = (ids: string[], rowOf: number[]) => ({
    ids,
    names: ['f'],
    values: new Float32Array(ids.length),
    rowOf: Int32Array.from(rowOf),
  })
  return {
    cells: { values: ['a', 'b', 'c', 'd', 'e'], codes: code(5, 1) },
    drugs: { values: ['A', 'B', 'C', 'D'], codes: code(4, 5) },
    auc: new Float64Array(n),
    cellTable: table(['a', 'b', 'c', 'd'], [0, 1, 2, 3, -1]),
    drugTable: table(['A', 'B', 'C'], [0, 1, 2, -1]),
  }
}

t.test('disjoint, complete, ascending; rows without features are left out and counted', async t => {
  const data = small(400)
  const { test, val, train, left } = partitionByDrug(data, 1, randomKey(0, 'B'))
  t.equal(test.length, 80, 'drug B without cell e')
  t.equal(left.rows, 400 - 3 * 80)
  t.match(left, { cells: 1, drugs: 1 })
  t.equal(countLeftOut(data), left.rows)
  t.equal(val.length, Math.ceil(0.2 * 160))
  const all = [...test, ...val, ...train]
  t.equal(new Set(all).size, all.length)
  t.equal(all.length + left.rows, 400)
  for (const rows of [test, val, train])
    t.strictSame(
      [...rows].sort((a, b) => a - b),
      [...rows],
    )
  t.ok(test.every(row => data.drugs.codes[row] === 1))
  t.ok([...val, ...train].every(row => data.drugs.codes[row] !== 1))
})

t.test('a function of seed and drug alone', async t => {
  const split = (seed: number, drug: string) => [
    ...partitionByDrug(small(400), 1, randomKey(seed, drug)).val,
  ]
  t.strictSame(split(0, 'B'), split(0, 'B'))
  t.notSame(split(0, 'B'), split(1, 'B'))
  t.notSame(split(0, 'B'), split(0, 'C'))
})

t.test('a drug without features is left with no test rows; no such drug is refused', async t => {
  t.equal(partitionByDrug(small(400), 3, randomKey(0, 'D')).test.length, 0)
  for (const index of [-1, 4, 0.5])
    t.throws(
      () => partitionByDrug(small(40), index, randomKey(0, 'x')),
      /the data has drugs 0 to 3/,
    )
})

t.test('by drug, by cell and at random, as computed once more from the description', async t => {
  const data = small(400)
  const { cells, drugs } = data
  const all = [...Array(400).keys()].filter(row => drugs.codes[row] !== 3 && cells.codes[row] !== 4)
  const lists = ({ test, val, train }: ReturnType<typeof partitionByDrug>) => ({
    test: [...test],
    val: [...val],
    train: [...train],
  })
  for (const seed of [0, 1, 2 ** 32 - 1]) {
    for (const index of [0, 2]) {
      const drug = drugs.values[index]!
      t.strictSame(
        lists(partitionByDrug(data, index, randomKey(seed, drug))),
        plainHoldOut(all, row => drugs.codes[row] === index, seed, drug),
      )
      const cell = cells.values[index]!
      t.strictSame(
        lists(makePartition(data, { by: 'cell', index, name: cell }, randomKey(seed, cell))),
        plainHoldOut(all, row => cells.codes[row] === index, seed, cell),
      )
    }
    const random = lists(makePartition(data, { by: 'random' }, randomKey(seed, 'random')))
    t.strictSame(random, plainRandom(all, seed))
    t.strictSame([random.test.length, random.val.length], [24, 24], '240 rows: 80/10/10')
  }
  t.strictSame(
    ['train', 'val', 'test'].map(
      which => partitionAtRandom(small(10), [1, 2])[which as 'train'].length,
    ),
    [6, 1, 1],
    'of an odd number drawn, one more tests',
  )
  t.throws(() => partitionByCell(data, 5, [0, 0]), /the data has cells 0 to 4/)
})

t.test('a subset is a seeded sample to train and validate on; the test set stays', async t => {
  const data = small(12_000)
  const key = randomKey(3, 'B')
  const whole = partitionByDrug(data, 1, key)
  const some = subsetOf(whole, key)
  t.strictSame([some.train.length, some.val.length], [3840, 500], '3840 train rows are all')
  const plain = plainSubset({ train: [...whole.train], val: [...whole.val] }, 3, 'B')
  t.strictSame([...some.val], plain.val)
  t.strictSame([...some.train], plain.train)
  t.equal(some.test, whole.test)
  const large = partitionByDrug(small(16_000), 1, key)
  t.equal(subsetOf(large, key).train.length, 4000)
})

t.test(
  'gdsc: rows of four drugs, also through the node-local form',
  { skip: !fs.existsSync(GDSC) && `${GDSC} is not there` },
  async t => {
    const target = t.testdir()
    await stageData(GDSC, target)
    const data = await loadData(target)
    const read = await inspectData(GDSC)
    t.strictSame(data.drugs, read.drugs)
    t.strictSame(data.cellTable.values, read.cellTable.values)
    t.strictSame(data.auc, read.auc)
    for (const [index, name, ...counts] of [
      [0, 'Camptothecin', 579, 16451, 65803],
      [57, 'Cyclophosphamide', 543, 16458, 65832],
      [113, 'Venetoclax', 547, 16458, 65828],
      [169, 'JQ1', 45, 16558, 66230],
    ] as const) {
      t.equal(data.drugs.values[index], name)
      const { test, val, train } = partitionByDrug(data, index, randomKey(0, name))
      t.strictSame([test.length, val.length, train.length], counts, name)
    }
  },
)
