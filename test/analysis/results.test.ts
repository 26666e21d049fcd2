import { join } from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import t from 'tap'
import { writeTable } from '../../src/table/table-stream.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, type SmallRun } from './small-exp.js'

type Rows = Record<string, unknown>[]

/** By an independent reader. */
async function read(path: string): Promise<Rows> {
  return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
}

const RUNS: readonly SmallRun[] = [
  {
    id: 'DRUG',
    resolved: { index: 7, drug: 'Drug_8' },
    params: { epochs: 20, learning_rate: 1e-5, layers: [10, 10] },
    test: [
      ['ACH-1', 0.25, 0.5],
      ['ACH-2', 0.75, 0.5],
      ['ACH-1', 0.5, 0.125],
    ],
    val: [['ACH-2', 0.5, 0.25]],
    valLoss: [0.5, 0.125, 0.25],
  },
  {
    id: 'CELL',
    resolved: { index: 3, cell: 'ACH-9' },
    params: { epochs: 20, learning_rate: 2e-5, layers: [5] },
    test: [['a,b', 0.5, 0.5]],
    val: [['Drug_1', 1, 0]],
    reason: 'early stopping',
  },
  { id: 'NONE', resolved: { index: 9, drug: 'Drug_10' }, params: { epochs: 20 }, test: [] },
  { id: 'LATE', resolved: { index: 1, drug: 'D' }, test: [], unfinished: true },
]

t.test('every prediction of a finished RUN is a row, with its drug, cell and error', async t => {
  const folder = t.testdir({})
  const exp = await makeSmallExp(folder, RUNS)
  const heds = (...args: string[]) => upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
  const { status, stdout, stderr } = heds('results', 'EXP001', '--val')
  t.equal(status, 0, stderr)
  t.match(stdout, /results\.parquet: 6 rows\n.*runs\.parquet: 4 rows\n$/)
  t.equal(stderr, 'no results: LATE: interrupted\n')
  const row = (run: string, index: number, drug: string | null, cell: string | null) => {
    return (split: string, auc_true: number, auc_pred: number) => {
      const error = auc_pred - auc_true
      return { run, index, drug, cell, auc_true, auc_pred, error, split }
    }
  }
  t.strictSame(await read(join(exp.path, 'results.parquet')), [
    row('DRUG', 7, 'Drug_8', 'ACH-1')('test', 0.25, 0.5),
    row('DRUG', 7, 'Drug_8', 'ACH-2')('test', 0.75, 0.5),
    row('DRUG', 7, 'Drug_8', 'ACH-1')('test', 0.5, 0.125),
    row('DRUG', 7, null, 'ACH-2')('val', 0.5, 0.25),
    row('CELL', 3, 'a,b', 'ACH-9')('test', 0.5, 0.5),
    row('CELL', 3, 'Drug_1', null)('val', 1, 0),
  ])
  heds('results', 'EXP001')
  t.equal((await read(join(exp.path, 'results.parquet'))).length, 4, 'without --val the test rows')
})

t.test('every RUN is a row, with its scores and the hyperparameters that differ', async t => {
  const folder = t.testdir({})
  const exp = await makeSmallExp(folder, RUNS)
  upfHeds(['results', 'EXP001'], folder, { CANDLE_DATA_DIR: '.' })
  const rows = await read(join(exp.path, 'runs.parquet'))
  t.match(rows[0], {
    ...{ run: 'DRUG', index: 7, held_out: 'drug', drug: 'Drug_8', cell: null, state: 'finished' },
    ...{ ended: 'completed', epochs: 3, best_val_loss: 0.125, last_val_loss: 0.25 },
    ...{ train_seconds: 6, test_mse: (0.25 ** 2 + 0.25 ** 2 + 0.375 ** 2) / 3, test_n: 3 },
    ...{ val_mse: 0.0625, val_r2: null, param_learning_rate: 1e-5, param_layers: '[10,10]' },
  })
  t.match(rows[1], { held_out: 'cell', drug: null, cell: 'ACH-9', ended: 'early stopping' })
  t.match(rows[2], { test_n: 0, test_mse: null, param_learning_rate: null })
  t.match(rows[3], { state: 'interrupted', ended: null, test_n: null, param_epochs: null })
  t.notOk('param_seed' in rows[0]!, 'what is the same for all is told in exp.json')
})

t.test('an EXP of which no RUN has finished has tables without predictions', async t => {
  const folder = t.testdir({})
  const exp = await makeSmallExp(folder, RUNS.slice(3))
  t.equal(upfHeds(['results', 'EXP001'], folder, { CANDLE_DATA_DIR: '.' }).status, 0)
  t.same(await read(join(exp.path, 'results.parquet')), [])
  t.equal((await read(join(exp.path, 'runs.parquet'))).length, 1)
})

t.test('a table comes in parts: many, of other words, with gaps', async t => {
  const path = join(t.testdir({}), 'x.parquet')
  const part = (k: number) => ({
    text: {
      type: 'text' as const,
      data: { values: [`a${k}`, 'b'], codes: Int32Array.of(0, -1, 1) },
    },
    integer: { type: 'integer' as const, data: Int32Array.of(k, -1, 2 ** 31 - 1) },
    number: { type: 'number' as const, data: Float64Array.of(NaN, k, -Infinity) },
  })
  t.equal(await writeTable(path, [part(0), part(1), part(2)]), 9)
  const rows = await read(path)
  t.same(rows.slice(6), [
    { text: 'a2', integer: 2, number: null },
    { text: null, integer: null, number: 2 },
    { text: 'b', integer: 2 ** 31 - 1, number: -Infinity },
  ])
  const failing = (function* () {
    yield part(0)
    throw new Error('in between')
  })()
  await t.rejects(writeTable(path, failing), /in between/)
  t.same(await read(path), rows, 'the old file stays where the new one fails')
})
