import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crc32 } from '../../src/base/digest.js'
import type { HedError } from '../../src/base/errors.js'
import { featureColumns, writeParquet } from '../../src/table/parquet-writer.js'
import { writeModel } from '../../src/train/h5.js'
import { initialState } from '../../src/train/init.js'
import { openModel } from '../../src/train/open-model.js'
import { FILES, inspectData } from '../../workflows/hed/data.js'
import { DEMO, makeDemoData } from '../../workflows/hed/demo-data.js'
import { csvHeader, csvLine, predict, type PredictOptions } from '../../workflows/hed/predict.js'
import { dense, forward } from '../train/reference-net.js'

/** Small data, an untrained model of it, and variants of the data beside. */
const dir = t.testdir({ data: {} })
const path = (...names: string[]) => join(dir, ...names)
const SMALL = { ...DEMO, cells: 10, drugs: 9, cellFeatures: 6, drugFeatures: 4 }
await makeDemoData(path('data'), SMALL)
const data = await inspectData(path('data'))
const { cells, drugs, cellTable, drugTable } = data
const spec = {
  cell: [dense('cell_dense_1', 6, 8, 'tanh', 0.1), dense('cell_dense_2', 8, 5, 'tanh', 0.1)],
  drug: [dense('drug_dense_1', 4, 7, 'tanh', 0.1)],
  interaction: [dense('interaction_dense_1', 12, 5, 'tanh', 0.1)],
  output: dense('auc', 5, 1, 'sigmoid'),
}
const state = initialState(spec, 'SGD', [1, 2])
const model = { spec, widths: [6, 4], optimiser: 'SGD', learningRate: 1, state } as const
const features = { cell: cellTable.names, drug: drugTable.names }
await writeModel(path('model.h5'), { ...model, features }, true)
await writeModel(path('nameless.h5'), model, false)

const options: PredictOptions = {
  backend: 'ort',
  threads: 1,
  features: undefined,
  dropMissing: false,
}
const of = (folder: string, more: Partial<PredictOptions> = {}) =>
  predict(path('model.h5'), path(folder), { ...options, ...more })
const whole = await of('data')

type Columns = Record<string, readonly string[] | Float64Array | Float32Array>

/** A folder of the same data, changed. */
async function variant(name: string, change: (tables: Record<string, Columns>) => void) {
  const tables = {
    [FILES.responses]: {
      improve_sample_id: Array.from(cells.codes, code => cells.values[code]!),
      improve_chem_id: Array.from(drugs.codes, code => drugs.values[code]!),
      auc: data.auc,
    },
    [FILES.cells]: { improve_sample_id: cellTable.ids, ...featureColumns(cellTable) },
    [FILES.drugs]: { improve_chem_id: drugTable.ids, ...featureColumns(drugTable) },
  }
  change(tables)
  fs.mkdirSync(path(name))
  for (const [file, columns] of Object.entries(tables))
    await writeParquet(path(name, file), columns)
  return name
}

const drop = (columns: Columns, ...names: string[]) =>
  names.forEach(name => Reflect.deleteProperty(columns, name))

t.test('every pair of the file is predicted, in its order', async t => {
  const wanted = forward(
    spec,
    state.weights,
    { cell: cellTable.values, cellFeatures: 6, drug: drugTable.values, drugFeatures: 4 },
    {
      cell: cells.codes.map(code => cellTable.rowOf[code]!),
      drug: drugs.codes.map(code => drugTable.rowOf[code]!),
    },
  )
  t.equal(whole.predictions.length, data.auc.length)
  for (const [row, { cell, drug, auc_pred, auc_true }] of whole.predictions.entries()) {
    t.equal(cell, cells.values[cells.codes[row]!])
    t.equal(drug, drugs.values[drugs.codes[row]!])
    t.equal(auc_true, data.auc[row])
    t.ok(Math.abs(auc_pred - wanted[row]!) < 1e-6)
  }
})

t.test('names are quoted in CSV where they need it; auc may be unknown', async t => {
  const pair = { cell: 'a,"b"', drug: 'c', auc_pred: 0.5 }
  t.equal(csvLine(pair), '"a,""b""",c,0.500000')
  t.equal(csvLine({ ...pair, cell: 'a', auc_true: 0.25 }), 'a,c,0.500000,0.250000')
  t.equal(csvHeader(false), 'cell,drug,auc_pred')
  const blind = await of(await variant('blind', tables => drop(tables[FILES.responses]!, 'auc')))
  t.equal(blind.scores, undefined)
  t.strictSame(
    blind.predictions,
    whole.predictions.map(({ auc_true, ...rest }) => rest),
  )
})

t.test('columns are found by name, and must be those of the training', async t => {
  const turned = await variant('turned', tables => {
    for (const name of [FILES.cells, FILES.drugs])
      tables[name] = Object.fromEntries(Object.entries(tables[name]!).reverse())
  })
  t.strictSame((await of(turned)).predictions, whole.predictions, 'in any order')
  await variant('less', tables => drop(tables[FILES.cells]!, 'ge.3', 'ge.5'))
  await t.rejects(of('less'), {
    kind: 'DATA',
    message: /less\/ge_merged_data.parquet: lacks 2 of the 6 columns .*: ge.3, ge.5$/,
  })
  await variant('more', tables => {
    tables[FILES.drugs]!['mordred.new'] = new Float32Array(9)
  })
  await t.rejects(of('more'), {
    kind: 'DATA',
    message: /md_merged_data.parquet: has 1 columns that the model does not know: mordred.new$/,
  })
  await variant('spelt', tables => {
    const { improve_sample_id: ids, ...rest } = tables[FILES.responses]!
    tables[FILES.responses] = { ...rest, improve_sample: ids! }
  })
  await t.rejects(of('spelt'), {
    kind: 'DATA',
    message: /has no column "improve_sample_id"/,
    hint: /Is "improve_sample" meant/,
  })
})

t.test('a model without names takes columns by position, if their number is right', async t => {
  const nameless = (folder: string) => predict(path('nameless.h5'), path(folder), options)
  t.strictSame((await nameless('data')).predictions, whole.predictions)
  await t.rejects(nameless('less'), {
    kind: 'DATA',
    message: /ge_merged_data.parquet: has 4 feature columns, the model was trained on 6$/,
  })
})

t.test('rows without features are refused, or left out and counted', async t => {
  await variant('gaps', tables => {
    tables[FILES.cells]!['improve_sample_id'] = cellTable.ids.map((id, i) => (i === 2 ? 'X' : id))
  })
  const gone = cellTable.ids[2]!
  const kept = whole.predictions.filter(({ cell }) => cell !== gone)
  const lost = whole.predictions.length - kept.length
  t.ok(lost > 0)
  await t.rejects(of('gaps'), {
    kind: 'DATA',
    message: `${path('gaps')}: ${lost} rows lack features: 1 cell (${gone})`,
    hint: /--missing drop/,
  })
  const { predictions, left } = await of('gaps', { dropMissing: true })
  t.strictSame([predictions, left], [kept, lost])
  await variant('strange', tables => {
    tables[FILES.cells]!['improve_sample_id'] = cellTable.ids.map(id => `X${id}`)
  })
  await t.rejects(of('strange', { dropMissing: true }), {
    kind: 'DATA',
    message: `${path('strange')}: no row is left to predict: 10 cells (${cells.values.slice(0, 3).join(', ')}, …) have no features`,
  })
})

t.test('the feature tables may lie elsewhere', async t => {
  fs.mkdirSync(path('apart'))
  fs.copyFileSync(path('data', FILES.responses), path('apart', 'rows.parquet'))
  await t.rejects(of('apart/rows.parquet'), {
    message: /apart: has no ge_merged/,
    hint: /--features/,
  })
  const apart = await of('apart/rows.parquet', { features: path('data') })
  t.strictSame(apart.predictions, whole.predictions)
  await t.rejects(of('apart'), { message: /apart: has no rsp_merged.parquet/ })
  await t.rejects(of('none'), { kind: 'DATA', message: /none: no such file or folder/ })
  for (const features of ['', path('none')])
    await t.rejects(of('apart', { features }), {
      kind: 'DATA',
      message: `--features: ${features || '""'}: no such folder`,
    })
  await t.rejects(predict(path('model.h5'), '/dev/null', options), {
    kind: 'DATA',
    message: '/dev/null: is neither file nor folder',
  })
})

t.test('a RUN stands for its best val_loss, also where best follows another metric', async t => {
  fs.mkdirSync(path('run/ckpts/best'), { recursive: true })
  fs.mkdirSync(path('run/ckpts/last'))
  const put = (name: string) => fs.copyFileSync(path('model.h5'), path('run/ckpts', name))
  const opened = async (...names: string[]) => (await openModel(path(...names))).path
  put('best/model.h5')
  put('last/model.h5')
  t.equal(await opened('run'), path('run/ckpts/best/model.h5'))
  t.equal(await opened('run/ckpts'), path('run/ckpts/best/model.h5'))
  put('last/best-val-loss.h5')
  t.equal(await opened('run'), path('run/ckpts/last/best-val-loss.h5'))
  t.equal(await opened('run/ckpts/last'), path('run/ckpts/last/model.h5'))
})

t.test(
  'a damaged model.h5 is one line that names file and place, wherever the damage is',
  async t => {
    const bytes = fs.readFileSync(path('model.h5'))
    const found = new Set<string>()
    // each object of HDF5 begins with this
    for (let at = bytes.indexOf('OHDR'); at >= 0; at = bytes.indexOf('OHDR', at + 1)) {
      const bad = Buffer.from(bytes)
      bad[at + 12]! ^= 1
      fs.writeFileSync(path('bad.h5'), bad)
      const error = await openModel(path('bad.h5')).then(
        () => undefined, // the optimiser's state, which nobody needs
        (e: unknown) => e as HedError,
      )
      if (!error) continue
      t.equal(error.kind, 'DATA')
      t.match(error.message, /^[^\n]*bad.h5: [^\n]+$/)
      found.add(error.message.slice(path('bad.h5').length))
    }
    t.ok(found.has(': model_weights/cell_dense_2/cell_dense_2/kernel is damaged: ' + CHECKSUM))
    t.ok(found.has(': feature_names is damaged: ' + CHECKSUM))
    const text = Buffer.from(bytes)
    text[text.indexOf('"class_name"')] = 33
    fs.writeFileSync(path('bad.h5'), text)
    await t.rejects(openModel(path('bad.h5')), {
      kind: 'DATA',
      message: /bad.h5: model_config is damaged: .* in JSON/,
    })
  },
)
const CHECKSUM = 'incorrect metadata checksum after all read attempts'

t.test('what is no model, or a damaged one, is refused', async t => {
  const bytes = fs.readFileSync(path('model.h5'))
  fs.mkdirSync(path('epoch'))
  fs.writeFileSync(path('epoch/model.h5'), bytes)
  const record = (checksum: string) =>
    fs.writeFileSync(path('epoch/ckpt-info.json'), JSON.stringify({ checksum }))
  record(String(crc32(bytes)))
  t.ok(await openModel(path('epoch')))
  record('__DISABLED__')
  t.ok(await openModel(path('epoch')))
  record(String(crc32(bytes) ^ 1))
  await t.rejects(openModel(path('epoch')), { kind: 'DATA', message: /is damaged: its checksum/ })
  fs.writeFileSync(path('epoch/ckpt-info.json'), '{"epoch": 1')
  fs.writeFileSync(path('short.h5'), bytes.subarray(0, 5000))
  fs.writeFileSync(path('text.h5'), 'no HDF5')
  const weights = state.weights.with(3, NaN)
  await writeModel(path('nan.h5'), { ...model, state: { ...state, weights } }, false)
  for (const [name, kind, message] of [
    ['epoch', 'DATA', /epoch\/model.h5: is damaged: its checksum/],
    ['short.h5', 'DATA', /short.h5: cannot be opened: /],
    ['text.h5', 'DATA', /text.h5: cannot be opened: Not an HDF5 file/],
    ['nan.h5', 'DATA', /nan.h5: has weights that are no numbers/],
    ['nowhere', 'USAGE', /nowhere: no such RUN, checkpoint or model.h5/],
    ['data', 'USAGE', /data: holds no model, neither model.h5 nor ckpts\/best/],
  ] as const)
    await t.rejects(openModel(path(name)), { kind, message }, name)
})
