import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import * as onnx from 'onnxruntime-node'
import t from 'tap'
import { inspectData } from '../../workflows/hed/data.js'
import { BIN, upfHeds } from '../e2e/sweep.js'

/** A finished sweep of one RUN over demo data. */
const cwd = t.testdir({
  'upf.txt': '{"id": "A", "index": 3}\n',
  'dflts.json': JSON.stringify({
    epochs: 2,
    learning_rate: 3e-5,
    warmup_epochs: 1,
    hyperparam_space: 'block',
    canc_arch: [16, 16],
    drug_arch: [16],
    interaction_arch: [16],
  }),
})
upfHeds(['data', 'demo', 'data'], cwd)
upfHeds(['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1'], cwd)
const RUN = 'out/EXP001/run/A'

const predict = (...args: string[]) => upfHeds(['predict', ...args, '--threads', '1'], cwd)
const text = (...path: string[]) => fs.readFileSync(join(cwd, ...path), 'utf8')

/** Predictions of all pairs, as CSV. */
const csv = predict(RUN, 'data').stdout

t.test('the held-out rows of a RUN are predicted as the RUN itself has done', async t => {
  const rows = join(RUN, 'rsp_test_data.parquet')
  const { status, stdout, stderr } = predict(RUN, rows, '--features', 'data')
  t.equal(status, 0, stderr)
  const [header, ...lines] = stdout.trimEnd().split('\n')
  t.equal(header, 'cell,drug,auc_pred,auc_true')
  const wanted = text(RUN, 'test_y_data_predicted.csv').trimEnd().split('\n').slice(1)
  t.strictSame(
    lines.map(line => {
      const [cell, drug, predicted, known] = line.split(',')
      t.equal(drug, 'Drug_004')
      return [known, predicted, cell].join(',')
    }),
    wanted,
  )
  const { mse } = JSON.parse(text(RUN, 'test_scores.json')) as { mse: number }
  t.match(
    stderr,
    `${wanted.length} predictions of ${RUN}/ckpts/best/model.h5; mse ${mse.toPrecision(5)}`,
  )
})

t.test('--output and --json; a file that is there is left alone', async t => {
  t.match(csv, /^cell,drug,auc_pred,auc_true\nACH-/)
  const model = `${RUN}/ckpts/best/model.h5`
  t.match(predict(model, 'data', '--output', 'a.csv'), { status: 0, stdout: /; wrote a\.csv\n$/ })
  t.equal(text('a.csv'), csv, 'a RUN is its best model.h5')
  t.match(predict(RUN, 'data', '--output', 'a.csv'), {
    status: 2,
    stdout: '',
    stderr: 'upf-heds: a.csv: cannot be written: is there already\nhint: Name another file.\n',
  })
  for (const [output, why] of [
    ['no/b.csv', 'no/b.csv: cannot be written: there is no folder no'],
    ['a.csv/b', 'a.csv/b: cannot be written: there is no folder a.csv'],
    ['', '"": cannot be written: is no name'],
  ] as const)
    for (const words of [
      ['predict', RUN, 'data'],
      ['export-onnx', RUN],
    ]) {
      const { status, stderr } = upfHeds([...words, '--output', output], cwd)
      t.strictSame([status, stderr], [2, `upf-heds: ${why}\nhint: Name another file.\n`])
    }
  const json = predict(RUN, 'data', '--json').stdout.trimEnd().split('\n')
  const objects = json.map(line => JSON.parse(line) as { cell: string; auc_pred: number })
  t.equal(objects.length, csv.trimEnd().split('\n').length - 1)
  t.strictSame(Object.keys(objects[0]!), ['cell', 'drug', 'auc_pred', 'auc_true'])
  const fields = csv
    .split('\n')
    .slice(1, -1)
    .map(line => line.split(','))
  t.strictSame(
    objects.map(({ cell, auc_pred }) => [cell, auc_pred.toFixed(6)]),
    fields.map(([cell, , predicted]) => [cell, predicted]),
  )
})

t.test('what cannot be written is no success; a RUN that has not finished is told', async t => {
  const words = [process.execPath, BIN, 'predict', RUN, 'data', '--threads', '1']
  const full = spawnSync('sh', ['-c', 'exec "$0" "$@" > /dev/full', ...words], {
    cwd,
    encoding: 'utf8',
  })
  t.match(full, { status: 2, stderr: /stdout cannot be written: ENOSPC/ })
  const marker = join(cwd, RUN, 'stop.marker')
  fs.renameSync(marker, `${marker}.away`)
  t.match(predict(RUN, 'data'), {
    status: 0,
    stdout: csv,
    stderr: /; the RUN has not finished; mse/,
  })
  fs.renameSync(`${marker}.away`, marker)
  t.notMatch(predict(RUN, 'data').stderr, 'has not finished')
})

t.test('what is wrong is said in one line and a hint', async t => {
  for (const [args, status, message] of [
    [['out/EXP001', 'data'], 2, /holds no model.*\nhint: .* such as out\/EXP001\/run\/A\.\n$/],
    [['upf.txt', 'data'], 3, /upf.txt: cannot be opened: Not an HDF5 file\nhint: .*\n$/],
    [[RUN, 'data', '--missing', 'skip'], 2, /--missing is "skip", want error or drop\nhint: .*\n$/],
    [
      [RUN, 'data', '--output', 'no/a.csv'],
      2,
      /no\/a.csv: cannot be written: there is no folder no\nhint: .*\n$/,
    ],
  ] as const)
    t.match(predict(...args), { status, stdout: '', stderr: message }, args.join(' '))
  t.match(JSON.parse(predict('nowhere', 'data', '--json').stderr), { kind: 'USAGE' })
})

t.test('export-onnx: onnxruntime predicts from the file what predict does', async t => {
  const ended = upfHeds(['export-onnx', RUN], cwd)
  t.equal(
    ended.stdout,
    `A.onnx: ${RUN}/ckpts/best/model.h5 as cell [batch, 60], drug [batch, 40] → auc\n`,
  )
  const again = upfHeds(['export-onnx', `${RUN}/ckpts/best`, '--output', 'A.onnx'], cwd)
  t.match(again, { status: 2, stderr: /A.onnx: cannot be written: is there already/ })
  const { cells, drugs, cellTable, drugTable } = await inspectData(join(cwd, 'data'))
  const session = await onnx.InferenceSession.create(join(cwd, 'A.onnx'))
  const gather = ({ values, names, rowOf }: typeof cellTable, codes: Int32Array) => {
    const rows = Array.from(codes, code => rowOf[code]! * names.length)
    const wide = rows.map(from => values.subarray(from, from + names.length))
    return new onnx.Tensor(Float32Array.from(wide.flatMap(row => [...row])), [
      codes.length,
      names.length,
    ])
  }
  const { auc } = await session.run({
    cell: gather(cellTable, cells.codes),
    drug: gather(drugTable, drugs.codes),
  })
  await session.release()
  const ours = csv
    .split('\n')
    .slice(1, -1)
    .map(line => Number(line.split(',')[2]))
  const worst = Math.max(...ours.map((v, i) => Math.abs(v - (auc!.data[i] as number))))
  t.equal(auc!.data.length, ours.length)
  t.ok(worst < 1e-5, `differs by ${worst}`)
})
