import t from 'tap'
import { measureSpeed, SELF_TEST, selfTest } from '../../src/train/backends/self-test.js'
import { initialState } from '../../src/train/init.js'
import type { Backend, TrainerOptions } from '../../src/train/trainer.js'
import { loadable } from './loadable.js'
import { differences, forward, meanLoss } from './reference-net.js'

/** Adam as Keras has it, in float64 and with gradients by differences. */
function trainInFloat64({ spec, optimiser, key, tables, loss, batchSize }: TrainerOptions) {
  const { samples, epochs, rate } = SELF_TEST
  const { rows, y } = samples
  const w = Float64Array.from(initialState(spec, optimiser, key).weights)
  const [m, v] = [w.map(() => 0), w.map(() => 0)]
  const losses: number[] = []
  let count = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    let sum = 0
    for (let from = 0, step = 0; from < y.length; from += batchSize, step++) {
      const of = <T extends { subarray(a: number, b: number): T }>(all: T) =>
        all.subarray(from, from + batchSize)
      const batch = { rows: { cell: of(rows.cell), drug: of(rows.drug) }, y: of(y) }
      const f = (at: ArrayLike<number>) =>
        meanLoss(loss, batch.y, forward(spec, at, tables, batch.rows, { key, epoch, step }))
      sum += f(w) * batch.y.length
      const gradients = differences(f, w)
      count++
      const scaled = (rate * Math.sqrt(1 - 0.999 ** count)) / (1 - 0.9 ** count)
      gradients.forEach((g, i) => {
        m[i] = 0.9 * m[i]! + 0.1 * g
        v[i] = 0.999 * v[i]! + 0.001 * g * g
        w[i] = w[i]! - (scaled * m[i]) / (Math.sqrt(v[i]) + 1e-7)
      })
    }
    losses.push(sum / y.length)
  }
  return { losses, after: meanLoss(loss, y, forward(spec, w, tables, rows)) }
}

t.test('the losses that are wanted are those of a training in float64', async t => {
  const { losses, after } = trainInFloat64(SELF_TEST.options(1))
  const { losses: wanted, after: wantedAfter } = SELF_TEST
  for (const [i, loss] of [...losses, after].entries())
    t.ok(Math.abs(loss - [...wanted, wantedAfter][i]!) < 1e-6 * loss, `${i}: ${loss}`)
  t.ok(Math.abs(losses[0]! - losses[2]!) > 0.05 * losses[0]!, 'something is learnt')
})

for (const backend of loadable)
  t.test(`${backend.name} passes`, async t => {
    for (const threads of [1, 2]) t.equal(await selfTest(backend, threads), undefined)
  })

const ort = loadable.find(({ name }) => name === 'ort')!

t.test('a backend that computes something else is told by its losses', async t => {
  const slower: Backend = {
    ...ort,
    create: async (options, state) => {
      const trainer = await ort.create(options, state)
      return {
        ...trainer,
        trainEpoch: epoch => trainer.trainEpoch({ ...epoch, learningRate: 0.055 }),
      }
    },
  }
  t.match(await selfTest(slower, 1), /^loss in epoch [12] is 0\.\d+, want 0\.\d+$/)
  const forgetful: Backend = {
    ...ort,
    create: async (options, state) => {
      const trainer = await ort.create(options, state)
      return {
        ...trainer,
        predict: async rows => {
          await trainer.load(state)
          return trainer.predict(rows)
        },
      }
    },
  }
  t.match(await selfTest(forgetful, 1), /^loss of its predictions is 0\.\d+, want/)
})

t.test('speed is that of full Uno, in samples a second', async t => {
  const rate = await measureSpeed(ort, 2)
  t.ok(rate > 1 && Number.isFinite(rate), `${rate}`)
})
