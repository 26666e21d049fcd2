import { join } from 'node:path'
import t from 'tap'
import { ort } from '../../src/train/backends/ort.js'
import { readModel, readNetwork, type Model } from '../../src/train/h5.js'
import { kerasModel } from '../../src/train/keras-model.js'
import { openModelStore } from '../../src/train/model-store.js'
import { momentNames } from '../../src/train/optimisers.js'
import { layers, layout, type OptimiserName } from '../../src/train/spec.js'
import { pythonWith, runPython } from './python.js'
import { tinyEpoch, tinyOptions, tinyState } from './tiny.js'

/** What read-h5.py prints. */
interface Seen {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly datasets: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; data: string }>
  >
  readonly strings: Readonly<Record<string, readonly string[]>>
}

const OPTIMISERS = ['Adam', 'SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam'] as const
const found = pythonWith('h5py')
const store = openModelStore()
t.teardown(() => store.close())

/** A model that has trained for an epoch, written by the thread that writes checkpoints. */
async function trained(path: string, optimiser: OptimiserName): Promise<Model> {
  const options = tinyOptions({ optimiser })
  const trainer = await ort.create(options, tinyState(options))
  await trainer.trainEpoch(tinyEpoch(30))
  const state = await trainer.state()
  await trainer.close()
  const features = {
    cell: ['ge.1', 'ge.2', 'ge.10', 'ge.Ä', 'ge.5'],
    drug: Array.from({ length: 9 }, (_, i) => `mordred.m${'x'.repeat(i * 20)}`),
  }
  const { spec } = options
  const model = { spec, widths: [5, 9], optimiser, learningRate: 0.01, state, features } as const
  await store.write(path, structuredClone(model), true)
  return model
}

const bytes = (array: Float32Array | Float64Array | BigInt64Array) =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')

t.test('h5py reads every tensor, name and setting that was written', found, async t => {
  if ('skip' in found) return
  for (const optimiser of OPTIMISERS) {
    const path = join(t.testdir(), `${optimiser}.h5`)
    const { spec, state, features, widths } = await trained(path, optimiser)
    const { attributes, datasets, strings } = runPython(
      found.python,
      'test/train/read-h5.py',
      path,
    ) as Seen
    const wanted: Record<string, { dtype: string; shape: readonly number[]; data: string }> = {}
    const prefix = `optimizer_weights/${optimiser.toLowerCase()}`
    const add = (name: string, flat: Float32Array, offset: number, shape: readonly number[]) => {
      const length = shape.reduce((a, b) => a * b, 1)
      wanted[name] = { dtype: '<f4', shape, data: bytes(flat.slice(offset, offset + length)) }
    }
    for (const { name, layer, offset, shape } of layout(spec).slots) {
      add(`model_weights/${layer.name}/${name}`, state.weights, offset, shape)
      for (const [i, moment] of momentNames(optimiser).entries()) {
        const place = `${prefix}/${name.replace('/', '_')}_${moment}`
        add(place, state.moments[i]!, offset, shape)
      }
    }
    t.equal(state.step, 8, 'steps of 30 rows in fours')
    const iteration = bytes(BigInt64Array.of(BigInt(state.step)))
    wanted[`${prefix}/iteration`] = { dtype: '<i8', shape: [], data: iteration }
    add(`${prefix}/learning_rate`, Float32Array.of(0.01), 0, [])
    if (optimiser === 'Nadam') {
      const product = bytes(Float64Array.of(state.momentum))
      wanted[`${prefix}/u_product`] = { dtype: '<f8', shape: [], data: product }
    }
    t.strictSame(datasets, wanted, `${optimiser}: all datasets and no other`)
    t.strictSame(strings, {
      'feature_names/cell': features!.cell,
      'feature_names/drug': features!.drug,
    })

    const { config, layerNames } = kerasModel(spec, widths)
    t.strictSame(JSON.parse(attributes['@model_config'] as string), config)
    t.strictSame(attributes['model_weights@layer_names'], layerNames)
    for (const { name } of layers(spec))
      t.strictSame(attributes[`model_weights/${name}@weight_names`], [
        `${name}/kernel`,
        `${name}/bias`,
      ])
    const names = attributes['optimizer_weights@weight_names'] as string[]
    t.strictSame(
      names.map(name => `optimizer_weights/${name}`).sort(),
      Object.keys(datasets)
        .filter(name => name.startsWith('optimizer_weights'))
        .sort(),
    )
  }
})

t.test('what h5py read is what we read back', found, async t => {
  if ('skip' in found) return
  const path = join(t.testdir(), 'model.h5')
  const { spec, widths, features } = await trained(path, 'Adam')
  const { datasets } = runPython(found.python, 'test/train/read-h5.py', path) as Seen
  const state = await readModel(path, spec, 'Adam')
  const network = await readNetwork(path)
  t.strictSame(network.spec, spec, 'with the dropout of every layer')
  t.strictSame([network.widths, network.features], [widths, features])
  t.strictSame(network.weights, state.weights)
  for (const { name, layer, offset, length } of layout(spec).slots)
    t.equal(
      bytes(state.weights.slice(offset, offset + length)),
      datasets[`model_weights/${layer.name}/${name}`]!.data,
      name,
    )
})
