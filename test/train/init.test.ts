import t from 'tap'
import { randomFloats, STREAM } from '../../src/base/random.js'
import { initialState } from '../../src/train/init.js'
import { momentCount } from '../../src/train/optimisers.js'
import { layout } from '../../src/train/spec.js'
import { key, tinySpec } from './tiny.js'

t.test('kernels are Glorot uniform from Philox, biases and padding 0', async t => {
  const spec = tinySpec()
  const { weights, step, momentum } = initialState(spec, 'Adam', key)
  const { slots, size } = layout(spec)
  const expected = new Float32Array(size)
  slots.forEach(({ name, layer, offset, length }, i) => {
    if (!name.endsWith('/kernel')) return
    const limit = Math.sqrt(6 / (layer.inputs + layer.units))
    const values = randomFloats(key, STREAM.init, 0, i, length)
    expected.set(
      [...values].map(v => (2 * v - 1) * limit),
      offset,
    )
    t.ok(weights.subarray(offset, offset + length).every(v => Math.abs(v) <= limit))
  })
  t.same(weights, expected)
  t.same([step, momentum], [0, 1])
})

t.test('another key gives other weights', async t => {
  t.notSame(
    initialState(tinySpec(), 'SGD', [1, 2]).weights,
    initialState(tinySpec(), 'SGD', [1, 3]).weights,
  )
})

t.test("moments start at 0, Adagrad's at Keras' 0.1", async t => {
  for (const name of [
    'Adam',
    'SGD',
    'RMSprop',
    'Adagrad',
    'Adadelta',
    'Adamax',
    'Nadam',
  ] as const) {
    const { moments, weights } = initialState(tinySpec(), name, key)
    t.equal(moments.length, momentCount(name), name)
    const start = Math.fround(name === 'Adagrad' ? 0.1 : 0)
    t.ok(moments.every(m => m.length === weights.length && m.every(v => v === start)))
  }
})
