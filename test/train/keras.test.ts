import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ort } from '../../src/train/backends/ort.js'
import { readNetwork, writeModel } from '../../src/train/h5.js'
import { layout } from '../../src/train/spec.js'
import { pythonWith, runPython } from './python.js'
import { tables, tinyEpoch, tinyOptions, tinySpec, tinyState } from './tiny.js'

const found = pythonWith('tensorflow', 'keras')
const KERAS_FILE = 'test/fixtures/oracles/tiny-uno.h5'

t.test('Keras opens model.h5 and predicts the same', found, async t => {
  if ('skip' in found) return
  const dir = t.testdir()
  for (const activation of ['relu', 'tanh', 'sigmoid', 'linear'] as const) {
    const options = tinyOptions({ spec: tinySpec(activation) })
    const trainer = await ort.create(options, tinyState(options))
    await trainer.trainEpoch(tinyEpoch(200))
    const state = await trainer.state()
    const { rows } = tinyEpoch(12)
    const ours = await trainer.predict(rows)
    await trainer.close()

    const [path, input, copy] = ['model.h5', 'rows.json', 'copy.h5'].map(name => join(dir, name))
    const { spec } = options
    const features = { cell: ['a', 'b', 'c', 'd', 'e'], drug: 'abcdefghi'.split('') }
    const model = { spec, widths: [5, 9], optimiser: 'Adam', learningRate: 1, state } as const
    await writeModel(path!, { ...model, features }, true)
    const gather = (table: Float32Array, width: number, codes: Int32Array) =>
      Array.from(codes, code => [...table.subarray(code * width, (code + 1) * width)])
    writeFileSync(
      input!,
      JSON.stringify({
        cell: gather(tables.cell, 5, rows.cell),
        drug: gather(tables.drug, 9, rows.drug),
      }),
    )
    const keras = runPython(found.python, 'test/train/keras-predict.py', path!, input!, copy!) as {
      readonly auc: readonly number[]
      readonly parameters: number
    }
    const worst = Math.max(...keras.auc.map((v, i) => Math.abs(v - ours[i]!)))
    t.ok(worst < 1e-6, `${activation}: predictions differ by ${worst}`)
    t.ok(Math.max(...ours) - Math.min(...ours) > 1e-4, 'and are not all one')
    t.equal(keras.parameters, layout(spec).weights)

    const again = await readNetwork(copy!)
    t.strictSame(again.spec, spec, 'what Keras saved again is read as the same model')
    t.strictSame(again.weights, state.weights)
    t.equal(again.features, undefined, 'Keras does not know the names')
  }
})

t.test('a file that Keras wrote is read without being told its layers', async t => {
  const { spec, widths, weights } = await readNetwork(KERAS_FILE)
  t.strictSame(widths, [5, 7])
  t.match(spec.output, { name: 'auc', inputs: 8, units: 1, activation: 'sigmoid' })
  t.same([spec.cell.length, spec.drug.length, spec.interaction.length], [3, 3, 5])
  t.equal(weights.length, layout(spec).size)
  t.ok(weights.some(w => w !== 0))
})
