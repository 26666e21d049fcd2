import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HedError } from '../../src/base/errors.js'
import type { RunId } from '../../src/base/ids.js'
import { featureColumns, writeParquet } from '../../src/table/parquet-writer.js'
import { FILES, inspectData, loadData, stageData } from '../../workflows/hed/data.js'
import { DEMO, makeDemoData } from '../../workflows/hed/demo-data.js'
import { workflow } from '../../workflows/hed/index.js'
import { writePredictions } from '../../workflows/hed/predictions.js'

const SMALL = { ...DEMO, cells: 10, drugs: 9, cellFeatures: 3, drugFeatures: 2 }

t.test('demo data: the same bytes each time, foreign files are not touched', async t => {
  const [a, b] = [t.testdir({ a: {}, b: {} })].flatMap(d => [join(d, 'a'), join(d, 'b')])
  await makeDemoData(a!, SMALL)
  await makeDemoData(a!, SMALL)
  await makeDemoData(b!, SMALL)
  for (const name of Object.values(FILES))
    t.ok(fs.readFileSync(join(a!, name)).equals(fs.readFileSync(join(b!, name))), name)
  fs.writeFileSync(join(b!, FILES.cells), 'mine')
  await t.rejects(makeDemoData(b!, SMALL), { kind: 'USAGE', message: /another file of this name/ })
  t.equal(fs.readFileSync(join(b!, FILES.cells), 'utf8'), 'mine')
  const foreign = t.testdir({ [FILES.responses]: 'mine' })
  await t.rejects(makeDemoData(foreign, SMALL), /another file of this name/)
  t.strictSame(fs.readdirSync(foreign), [FILES.responses], 'nothing is written beside it')
  await t.rejects(makeDemoData(join(foreign, FILES.responses), SMALL), /cannot be written: E/)
})

t.test('the node-local form holds what the Parquet files hold; damage is found', async t => {
  const directory = t.testdir({ source: {}, target: {} })
  const [source, target] = [join(directory, 'source'), join(directory, 'target')]
  await makeDemoData(source, SMALL)
  await stageData(source, target)
  t.strictSame(await loadData(target), await inspectData(source))
  for (const name of fs.readdirSync(target)) {
    const path = join(target, name)
    const bytes = fs.readFileSync(path)
    const bad = Buffer.from(bytes)
    bad[bytes.length >> 1]! ^= 1
    for (const damage of [bad, bytes.subarray(0, -1), Buffer.alloc(0)]) {
      fs.writeFileSync(path, damage)
      await t.rejects(loadData(target), /damaged|cannot be read/, `${name}, ${damage.length} bytes`)
    }
    fs.writeFileSync(path, bytes)
  }
  t.ok(await loadData(target))
})

t.test('bad data is refused in one line', async t => {
  const directory = t.testdir({ source: {} })
  const source = join(directory, 'source')
  await t.rejects(inspectData(join(directory, 'nowhere')), {
    kind: 'DATA',
    message: /nowhere.*cannot be read: no such file/,
  })
  await makeDemoData(source, SMALL)
  const cells = join(source, FILES.cells)
  for (const [columns, message] of [
    [
      { improve_sample_id: ['x', 'x'], 'ge.1': Float32Array.of(1, 2) },
      /2 rows but only 1 different/,
    ],
    [{ improve_sample_id: ['x', 'y'], other: Float32Array.of(1, 2) }, /has no feature column/],
    [
      { improve_sample_id: ['x', 'y'], 'ge.1': Float32Array.of(1, Infinity) },
      /"ge.1" is Infinity in row 1/,
    ],
    [
      { improve_sample_id: ['x', 'y'], 'ge.1': Float64Array.of(1, 1e300) },
      /"ge.1" is 1e\+300 in row 1/,
    ],
  ] as const) {
    await writeParquet(cells, columns)
    const error = await inspectData(source).then(
      () => undefined,
      (e: unknown) => e,
    )
    t.ok(error instanceof HedError && error.kind === 'DATA')
    t.match((error as Error).message, message)
  }
})

t.test(
  'what has no features is named: in a note, or with missing: error in the refusal',
  async t => {
    const source = t.testdir()
    await makeDemoData(source, SMALL)
    const { cells, cellTable } = await inspectData(source)
    const ids = cellTable.ids.map((id, i) => (i < 4 ? `no-${id}` : id))
    const gone = cellTable.ids.slice(0, 4)
    const codes = new Set(gone.map(id => cells.values.indexOf(id)))
    const rows = cells.codes.filter(code => codes.has(code)).length
    await writeParquet(join(source, FILES.cells), {
      improve_sample_id: ids,
      ...featureColumns(cellTable),
    })
    const named = cells.values.filter(id => gone.includes(id)).slice(0, 3)
    const who = `4 cells (${named.join(', ')}, …)`
    const found = await workflow.inspect(source, 'ort')
    t.equal(found.notes[1], `${rows} rows are left out: no features of ${who}`)
    const line = (missing: string) => ({
      ...{ run: 'A' as RunId, line: 1, control: { index: 0 } },
      params: { ...workflow.defaults, missing },
    })
    t.match(found.resolve(line('drop')), { resolved: { index: 0 } })
    t.strictSame(found.resolve(line('error')), {
      problems: [`"missing" is "error", and ${rows} rows lack features: ${who}`],
    })
  },
)

t.test(
  'predictions: header, six decimals, quoted labels; the header alone for no rows',
  async t => {
    const path = join(t.testdir(), 'p.csv')
    await writePredictions(path, Float64Array.of(0.5, 1 / 3), Float32Array.of(0.25, 1), [
      'a',
      'b,"c',
    ])
    t.equal(
      fs.readFileSync(path, 'utf8'),
      'auc_true,auc_pred,labels\n0.500000,0.250000,a\n0.333333,1.000000,"b,""c"\n',
    )
    await writePredictions(path, Float64Array.of(), Float32Array.of(), [])
    t.equal(fs.readFileSync(path, 'utf8'), 'auc_true,auc_pred,labels\n')
  },
)
