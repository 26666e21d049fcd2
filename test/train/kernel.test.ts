import t from 'tap'
import { randomWords, STREAM, type Key } from '../../src/base/random.js'
import { loadKernel } from '../../src/train/backends/kernel.js'
import { fillMasks } from '../../src/train/backends/dropout-masks.js'
import { allocate } from '../../src/train/backends/ort-memory.js'
import { layers, layout, type ModelSpec } from '../../src/train/spec.js'
import { dense, keeps } from './reference-net.js'
import { tinySpec } from './tiny.js'

const key: Key = [0xdeadbeef, 0x80000001]

t.test('random words of the kernel are those of src/base/random.ts', async t => {
  const { kernel, arrays } = loadKernel([256])
  const { buffer, byteOffset } = arrays[0]!
  kernel.randomWords(byteOffset, 256, ...key, STREAM.shuffle, 0xfffffff0, 9, 0)
  const expected = new Uint32Array(256)
  randomWords(key, STREAM.shuffle, 0xfffffff0, 9, expected)
  t.same(new Uint32Array(buffer, byteOffset, 256), expected)
})

t.test('masks are a function of key, epoch, step and layer, as documented', async t => {
  const spec = tinySpec()
  const memory = allocate(spec, layout(spec), 6, 2)
  for (const [epoch, step, n] of [
    [0, 0, 6],
    [3, 1, 6],
    [3, 2, 5],
  ] as const) {
    fillMasks(memory.kernel, memory.masks, key, epoch, step, n)
    for (const layer of layers(spec)) {
      const mask = memory.masks.find(m => m.layer === layer.name)
      t.equal(mask !== undefined, layer.dropout > 0, layer.name)
      if (!mask) continue
      const place = layers(spec).indexOf(layer)
      const expected = Float32Array.from({ length: n * layer.units }, (_, e) =>
        keeps({ key, epoch, step }, place, e, layer.dropout) ? 1 / (1 - layer.dropout) : 0,
      )
      t.same(mask.values.subarray(0, expected.length), expected, `${layer.name} ${epoch} ${step}`)
    }
  }
})

t.test('keep bytes are the masks, wherever they begin', async t => {
  const { kernel, arrays } = loadKernel([64 / 4, 96 / 4, 96])
  const [words, bytes, floats] = arrays.map(array => array.byteOffset)
  const counters = [STREAM.dropout, 3, 1, (5 << 24) | 8] as const
  const limit = Math.round(0.3 * 65536)
  kernel.dropoutMask(floats!, 96, ...key, ...counters, limit, 1)
  kernel.keepBytes(bytes!, words!, 96, ...key, ...counters, limit)
  const kept = new Int8Array(arrays[1]!.buffer, bytes, 96)
  t.same(
    [...kept],
    [...arrays[2]!].map(v => -v + 0),
  )
  t.ok(kept.includes(-1) && kept.includes(0))
})

t.test('the share of zeros is the dropout, also near 0 and 1', async t => {
  for (const dropout of [0.001, 0.1, 0.5, 0.97]) {
    const spec: ModelSpec = {
      cell: [dense('cell_dense_1', 1, 1000, 'relu', dropout)],
      drug: [],
      interaction: [],
      output: dense('auc', 1001, 1, 'sigmoid'),
    }
    const memory = allocate(spec, layout(spec), 200, 0)
    fillMasks(memory.kernel, memory.masks, key, 0, 0, 200)
    const { values } = memory.masks[0]!
    const share = values.filter(v => v === 0).length / values.length
    const deviation = Math.sqrt((dropout * (1 - dropout)) / values.length)
    t.ok(Math.abs(share - dropout) < 5 * deviation, `${dropout}: ${share}`)
  }
})

t.test('arrays start on 64 bytes, apart from each other and zero', async t => {
  const { arrays } = loadKernel([3, 17, 0, 40])
  t.same(
    arrays.map(a => a.length),
    [3, 17, 0, 40],
  )
  arrays.forEach(a => t.equal(a.byteOffset % 64, 0))
  arrays.forEach((a, i) => a.fill(i + 1))
  t.ok(arrays.every((a, i) => a.every(v => v === i + 1)))
})
