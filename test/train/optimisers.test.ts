import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadKernel } from '../../src/train/backends/kernel.js'
import { openTf } from '../../src/train/backends/tfjs-load.js'
import { newUpdates } from '../../src/train/backends/tfjs-updates.js'
import { momentCount, momentNames, optimise } from '../../src/train/optimisers.js'
import type { OptimiserName } from '../../src/train/spec.js'

interface Oracle {
  readonly w0: number[]
  readonly grads: number[][]
  readonly learning_rate: Record<OptimiserName, number>
  readonly after: Record<OptimiserName, number[][]>
}
const oracle = JSON.parse(readFileSync('test/fixtures/oracles/optimisers.json', 'utf8')) as Oracle

for (const name of Object.keys(oracle.after) as OptimiserName[])
  t.test(`12 steps of ${name} are Keras'`, async t => {
    t.equal(momentNames(name).length, momentCount(name))
    // 6 values in the last of 5 vectors: the loop must reach it, the padding must stay 0
    const size = 24
    const { kernel, arrays } = loadKernel(Array<number>(momentCount(name) + 2).fill(size))
    const [weights, gradients, ...moments] = arrays
    weights!.set(oracle.w0, 16)
    if (name === 'Adagrad') moments[0]!.fill(0.1)
    const pointers = {
      weights: weights!.byteOffset,
      gradients: gradients!.byteOffset,
      moments: moments.map(m => m.byteOffset),
      size,
    }
    let momentum = 1
    oracle.grads.forEach((gradient, i) => {
      gradients!.set(gradient, 16)
      const rate = oracle.learning_rate[name]
      momentum = optimise(kernel, name, pointers, rate, i + 1, momentum)
      oracle.after[name][i]!.forEach((wanted, e) => {
        const w = weights![16 + e]!
        const off = Math.abs(w - wanted) / Math.abs(wanted)
        t.ok(off <= 1e-6, `step ${i + 1}, weight ${e}: ${w}, want ${wanted}`)
      })
    })
    t.ok(weights!.every((v, e) => (e >= 16 && e < 22) || v === 0))
    t.equal(momentum === 1, name !== 'Nadam')
  })

const tf = await openTf('cpu')
for (const name of Object.keys(oracle.after) as OptimiserName[])
  t.test(`so they are by TensorFlow's operations: ${name}`, async t => {
    const size = oracle.w0.length
    const weights = tf.variable(tf.tensor1d(oracle.w0))
    const moments = Array.from({ length: momentCount(name) }, () =>
      tf.variable(tf.fill([size], name === 'Adagrad' ? 0.1 : 0)),
    )
    const updates = newUpdates(tf)
    const rate = oracle.learning_rate[name]
    let momentum = 1
    oracle.grads.forEach((gradient, i) => {
      const gradients = tf.tensor1d(gradient)
      const held = tf.memory().numTensors
      const places = { weights, moments, gradients, size }
      momentum = optimise(updates, name, places, rate, i + 1, momentum)
      t.equal(tf.memory().numTensors, held, 'nothing is left behind')
      const got = weights.dataSync()
      oracle.after[name][i]!.forEach((wanted, e) => {
        const off = Math.abs(got[e]! - wanted) / Math.abs(wanted)
        t.ok(off <= 1e-6, `step ${i + 1}, weight ${e}: ${got[e]}, want ${wanted}`)
      })
    })
  })
