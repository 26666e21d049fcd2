import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as onnx from 'onnxruntime-node'
import t from 'tap'
import { ort } from '../../src/train/backends/ort.js'
import { inferenceModel } from '../../src/train/export-onnx.js'
import type { Network } from '../../src/train/h5.js'
import { dense } from './reference-net.js'
import { pythonWith, runPython } from './python.js'
import { tables, tinyEpoch, tinyOptions, tinySpec, tinyState } from './tiny.js'

const WIDTHS = [5, 9] as const
const FEATURES = {
  cell: ['ge.1', 'ge.Ä', 'ge."3"', 'ge.4', 'ge.5'],
  drug: Array.from({ length: 9 }, (_, i) => `mordred.${i}`),
}

/** A network that has trained for an epoch, and what our own backend predicts with it. */
async function trained(spec = tinySpec(), rows = tinyEpoch(12).rows) {
  const options = tinyOptions({ spec })
  const trainer = await ort.create(options, tinyState(options))
  await trainer.trainEpoch(tinyEpoch(100))
  const { weights } = await trainer.state()
  const predicted = await trainer.predict(rows)
  await trainer.close()
  const network: Network = { spec, widths: WIDTHS, weights, features: FEATURES }
  return { network, rows, predicted }
}

/** Rows of a feature table, side by side. */
function gather(table: Float32Array, width: number, codes: Int32Array): Float32Array {
  const out = new Float32Array(codes.length * width)
  codes.forEach((code, i) => out.set(table.subarray(code * width, (code + 1) * width), i * width))
  return out
}

const worst = (a: ArrayLike<number>, b: Float32Array) =>
  Math.max(...b.map((v, i) => Math.abs(v - a[i]!)))

t.test('onnxruntime predicts the same from the features, for any number of rows', async t => {
  const { cell: _, ...noTower } = tinySpec()
  const shallow = {
    ...noTower,
    cell: [],
    interaction: [],
    output: dense('auc', 10, 1, 'linear'),
  }
  for (const spec of [...(['relu', 'tanh', 'sigmoid', 'linear'] as const).map(tinySpec), shallow]) {
    const { network, rows, predicted } = await trained(spec)
    const session = await onnx.InferenceSession.create(inferenceModel(network))
    t.strictSame([...session.inputNames].sort(), ['cell', 'drug'])
    t.strictSame(session.outputNames, ['auc'])
    for (const n of [1, 12]) {
      const { auc } = await session.run({
        cell: new onnx.Tensor(gather(tables.cell, 5, rows.cell.subarray(0, n)), [n, 5]),
        drug: new onnx.Tensor(gather(tables.drug, 9, rows.drug.subarray(0, n)), [n, 9]),
      })
      t.strictSame(auc!.dims, [n, 1])
      const off = worst(auc!.data as Float32Array, predicted.subarray(0, n))
      t.ok(off < 1e-6, `${n} rows: ${off}`)
    }
    await session.release()
  }
})

t.test('the same network gives the same bytes', async t => {
  const { network } = await trained()
  t.ok(Buffer.from(inferenceModel(network)).equals(inferenceModel(network)))
})

const found = pythonWith('onnxruntime')
t.test("Python's onnxruntime opens it, and sees names, shapes and features", found, async t => {
  if ('skip' in found) return
  const dir = t.testdir()
  const { network, rows, predicted } = await trained()
  const [path, input] = [join(dir, 'model.onnx'), join(dir, 'rows.json')]
  writeFileSync(path, inferenceModel(network))
  const listed = (table: Float32Array, width: number, codes: Int32Array) =>
    Array.from(codes, code => [...table.subarray(code * width, (code + 1) * width)])
  const cell = listed(tables.cell, 5, rows.cell)
  writeFileSync(input, JSON.stringify({ cell, drug: listed(tables.drug, 9, rows.drug) }))
  const { auc, checked, ...seen } = runPython(
    found.python,
    'test/train/onnx-predict.py',
    path,
    input,
  ) as { readonly auc: readonly number[]; readonly checked: boolean }
  t.ok(worst(auc, predicted) < 1e-6)
  t.strictSame(seen, {
    inputs: { cell: ['batch', 5], drug: ['batch', 9] },
    outputs: { auc: ['batch', 1] },
    metadata: {
      cell_features: JSON.stringify(FEATURES.cell),
      drug_features: JSON.stringify(FEATURES.drug),
    },
  })
  t.comment(checked ? 'onnx.checker agrees' : 'onnx is not there to check it')
})
