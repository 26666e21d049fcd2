import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as h5wasm from 'h5wasm/node'
import t from 'tap'
import { crc32 } from '../../src/base/digest.js'
import { readModel, writeModel, type Model } from '../../src/train/h5.js'
import { openModelStore } from '../../src/train/model-store.js'
import { momentCount } from '../../src/train/optimisers.js'
import { layout, type ModelSpec, type OptimiserName } from '../../src/train/spec.js'
import type { State } from '../../src/train/trainer.js'
import { tinySpec } from './tiny-uno.js'

const OPTIMISERS = ['Adam', 'SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam'] as const
const KERAS_FILE = 'test/fixtures/oracles/tiny-uno.h5'

await h5wasm.ready

/** Every element a number of its own, padding 0; among them what is easily lost: −0, ∞, a subnormal. */
function someState(spec: ModelSpec, optimiser: OptimiserName): State {
  const { slots, size } = layout(spec)
  let next = 1
  const flat = () => {
    const array = new Float32Array(size)
    for (const { offset, length } of slots)
      for (let i = 0; i < length; i++) array[offset + i] = Math.sin(next++) / 3
    array[0] = -0
    array[1] = Infinity
    array[2] = 1e-45
    return array
  }
  const moments = Array.from({ length: momentCount(optimiser) }, flat)
  return { weights: flat(), moments, step: 12345678901, momentum: optimiser === 'Nadam' ? 0.7 : 1 }
}

function someModel(optimiser: OptimiserName): Model {
  const spec = tinySpec(0.1)
  const state = someState(spec, optimiser)
  return { spec, widths: [5, 7], optimiser, learningRate: 1e-3, state }
}

const bits = (a: Float32Array) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)

t.test('a state comes back bit for bit, for every optimiser', async t => {
  const dir = t.testdir()
  for (const optimiser of OPTIMISERS) {
    const path = join(dir, `${optimiser}.h5`)
    const model = someModel(optimiser)
    await writeModel(path, model, true)
    const { weights, moments, ...rest } = await readModel(path, model.spec, optimiser)
    t.ok(bits(weights).equals(bits(model.state.weights)), `${optimiser}: weights`)
    t.equal(moments.length, model.state.moments.length)
    for (const [i, m] of moments.entries())
      t.ok(bits(m).equals(bits(model.state.moments[i]!)), `${optimiser}: moment ${i}`)
    t.same(rest, { step: model.state.step, momentum: model.state.momentum })
  }
})

/** path → type and shape of all groups and datasets, and the text attributes that name things. */
function outline(path: string) {
  const file = new h5wasm.File(path, 'r')
  const things: string[] = []
  const attributes: Record<string, unknown> = {}
  const walk = (group: h5wasm.Group, at: string) => {
    for (const name of ['layer_names', 'weight_names', 'backend', 'keras_version']) {
      const value = group.attrs[name]?.value
      if (typeof value === 'string' || Array.isArray(value)) attributes[`${at}@${name}`] = value
    }
    for (const key of group.keys()) {
      const child = group.get(key)
      const here = `${at}/${key}`
      if (child instanceof h5wasm.Group) {
        things.push(here)
        walk(child, here)
      } else if (child instanceof h5wasm.Dataset)
        things.push(`${here} ${JSON.stringify(child.dtype)} ${JSON.stringify(child.shape)}`)
    }
  }
  walk(file, '')
  const config = JSON.parse(file.attrs['model_config']?.value as string)
  file.close()
  return { things, attributes, config }
}

t.test('model.h5 has the groups, datasets and names of a file that Keras wrote', async t => {
  const path = join(t.testdir(), 'model.h5')
  await writeModel(path, { ...someModel('Adam'), spec: tinySpec(0) }, true)
  const ours = outline(path)
  // Keras numbers the optimisers of a process: the oracle's was its second
  const theirs = JSON.parse(
    JSON.stringify(outline(KERAS_FILE)).replaceAll('adam_1', 'adam'),
  ) as typeof ours
  t.same(ours.things, theirs.things)
  t.same(ours.attributes, theirs.attributes)
  t.ok(ours.things.includes('/model_weights/concat'))

  interface Layer {
    class_name: string
    name: string
    config: Record<string, unknown>
    inbound_nodes: { args: unknown[] }[]
  }
  const layers = (o: typeof ours) => o.config.config.layers as Layer[]
  const gist = ({ class_name, name, config, inbound_nodes }: Layer) => ({
    class_name,
    name,
    from: inbound_nodes.map(node => node.args),
    shape: config['batch_shape'],
    units: config['units'],
    activation: config['activation'],
    rate: config['rate'],
  })
  t.same(layers(ours).map(gist), layers(theirs).map(gist))
  for (const key of ['input_layers', 'output_layers', 'name'])
    t.same(ours.config.config[key], theirs.config.config[key], key)
})

t.test(
  'without moments the file has no optimizer_weights, and its weights are the same',
  async t => {
    const path = join(t.testdir(), 'model.h5')
    const model = someModel('Adam')
    await writeModel(path, model, false)
    t.notOk(outline(path).things.some(thing => thing.startsWith('/optimizer_weights')))
    const { weights, moments } = await readModel(path, model.spec, 'Adam')
    t.ok(bits(weights).equals(bits(model.state.weights)))
    t.same(moments, [])
  },
)

t.test('a file of another model is refused with the tensor that differs', async t => {
  const path = join(t.testdir(), 'model.h5')
  await writeModel(path, someModel('SGD'), true)
  const wider = tinySpec(0, 9)
  await t.rejects(readModel(path, wider, 'SGD'), {
    message: /cell_dense_1.*another shape: \[5, 8\], want float32 \[5, 9\]$/,
  })
  await t.rejects(readModel(path, tinySpec(0), 'Adam'), {
    message:
      /model.h5: optimizer_weights\/adam\/cell_dense_1_kernel_momentum is missing, want float32 \[\d+, \d+\]$/,
  })
})

t.test('the clock is not in the file, though HDF5 would put it there', async t => {
  const dir = t.testdir()
  const model = someModel('Nadam')
  const { now } = Date
  const writtenAt = async (name: string, clock: number) => {
    Date.now = () => clock
    try {
      await writeModel(join(dir, name), model, true)
    } finally {
      Date.now = now
    }
    return readFileSync(join(dir, name))
  }
  const first = await writtenAt('1.h5', 1_700_000_000_000)
  const second = await writtenAt('2.h5', 1_700_000_002_000)
  t.notOk(first.equals(second), 'this test would see a stamp')

  const store = openModelStore()
  t.teardown(() => store.close())
  const still = await writtenAt('0.h5', 0)
  const sum = await store.write(join(dir, 'store.h5'), model, true)
  const stored = readFileSync(join(dir, 'store.h5'))
  t.ok(stored.equals(still), 'in the thread of the store it stands still')
  t.equal(sum, crc32(stored))
})

t.test('the store reads what it wrote, and refuses a file with one bit changed', async t => {
  const dir = t.testdir()
  const path = join(dir, 'model.h5')
  const model = someModel('Adam')
  const kept = model.state.weights.slice()
  const store = openModelStore()
  t.teardown(() => store.close())
  const sum = await store.write(path, model, true)
  const state = await store.read(path, model.spec, 'Adam', sum)
  t.ok(bits(state.weights).equals(bits(kept)))
  await t.rejects(store.read(path, model.spec, 'Adam', sum ^ 1), { message: /checksum/ })
  await t.rejects(store.read(join(dir, 'none.h5'), model.spec, 'Adam', undefined), {
    message: /No such file/,
  })
  await t.rejects(store.write(join(dir, 'no', 'folder.h5'), someModel('Adam'), true), {
    message: /No such file/,
  })
  t.ok(await store.read(path, model.spec, 'Adam', sum), 'and lives on after a fault')
})

t.test('a full disk is an error of the write, not a short file', async t => {
  const dir = t.testdir()
  const script = `
    import { writeModel } from ${JSON.stringify(new URL('../../src/train/h5.js', import.meta.url).href)}
    const layer = (name, inputs, units) => ({ name, inputs, units, activation: 'relu', dropout: 0 })
    const spec = {
      cell: [layer('cell_dense_1', 300, 300)], drug: [layer('drug_dense_1', 300, 300)],
      interaction: [], output: layer('auc', 600, 1),
    }
    const state = { weights: new Float32Array(300 * 300 * 2 + 2000), moments: [], step: 0, momentum: 1 }
    const model = { spec, widths: [300, 300], optimiser: 'SGD', learningRate: 1, state }
    await writeModel(process.argv[1], model, true).then(
      () => console.log('written'), error => console.log('refused', error.message))`
  const write = (limit: string) =>
    spawnSync(
      'bash',
      ['-c', `trap '' XFSZ; ulimit -f ${limit}; exec "$0" --input-type=module -e "$1" "$2"`].concat(
        process.execPath,
        script,
        join(dir, 'model.h5'),
      ),
      { encoding: 'utf8' },
    )
  t.match(write('unlimited'), { stdout: /^written/, stderr: '' })
  const full = write('400') // kB, of 720
  t.match(full.stdout, /^refused .*model.h5: cannot be written: File too large/)
  t.equal(full.stderr, '')
})
