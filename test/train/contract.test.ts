// What every backend that loads here owes `ort`: the same losses from the same state, whatever the threads.
import t, { type Test } from 'tap'
import type { OptimiserName } from '../../src/train/spec.js'
import type { Backend, State, TrainerOptions } from '../../src/train/trainer.js'
import { loadable, looked } from './loadable.js'
import { tinyEpoch, tinyOptions, tinySpec, tinyState } from './tiny.js'

const ort = loadable.find(({ name }) => name === 'ort')!
const blas = loadable.find(({ name }) => name.startsWith('blas:'))
const OPTIMISERS: readonly OptimiserName[] = [
  'Adam',
  'SGD',
  'RMSprop',
  'Adagrad',
  'Adadelta',
  'Adamax',
  'Nadam',
]

/** Epochs of two batches, the last one short. */
async function train(
  backend: Backend,
  options: TrainerOptions,
  start: State,
  epochs: readonly number[],
) {
  const trainer = await backend.create(options, start)
  const losses: number[] = []
  for (const epoch of epochs) losses.push((await trainer.trainEpoch(tinyEpoch(7, { epoch }))).loss)
  const state = await trainer.state()
  const predicted = await trainer.predict(tinyEpoch(600).rows)
  await trainer.close()
  return { losses, state, predicted }
}

function agree(t: Test, what: string, got: ArrayLike<number>, wanted: ArrayLike<number>) {
  t.equal(got.length, wanted.length)
  const worst = Math.max(
    ...Array.from(wanted, (v, i) => Math.abs(got[i]! - v) / Math.max(Math.abs(v), 1e-3)),
  )
  t.ok(worst < 1e-3, `${what}: ${worst}`)
}

/** All of them where their code is met first: another library of products, or the CPU as a slow WebGPU, has none of its own. */
function optimisersFor({ name }: Backend): readonly OptimiserName[] {
  const isMet = name === 'tfjs:webgpu' || (name.startsWith('blas:') && name !== blas?.name)
  return isMet ? ['Adam'] : OPTIMISERS
}

for (const { backend, unavailable } of looked) {
  if (backend === ort) continue
  if (unavailable !== undefined) {
    t.test(`${backend.name} is as ort`, { skip: unavailable }, () => undefined)
    continue
  }
  for (const optimiser of optimisersFor(backend))
    t.test(
      `${backend.name}, ${optimiser}: losses, state and predictions are those of ort`,
      async t => {
        for (const threads of backend.name.startsWith('tfjs:') ? [1] : [1, 2, 3]) {
          const options = tinyOptions({ optimiser, threads })
          const start = tinyState(options)
          const wanted = await train(ort, options, start, [0, 1, 2])
          const got = await train(backend, options, start, [0, 1, 2])
          agree(t, `losses, ${threads} threads`, got.losses, wanted.losses)
          agree(t, `predictions, ${threads} threads`, got.predicted, wanted.predicted)
          agree(t, `weights, ${threads} threads`, got.state.weights, wanted.state.weights)
          got.state.moments.forEach((m, i) => agree(t, `moment ${i}`, m, wanted.state.moments[i]!))
          t.equal(got.state.step, wanted.state.step)
          t.equal(got.state.momentum, wanted.state.momentum)
        }
      },
    )

  t.test(`${backend.name}: a state moves to ort and back within a training`, async t => {
    const options = tinyOptions({ threads: 2, spec: tinySpec('tanh') })
    const whole = await train(ort, options, tinyState(options), [0, 1, 2, 3])
    const first = await train(backend, options, tinyState(options), [0])
    const second = await train(ort, options, first.state, [1, 2])
    const third = await train(backend, options, second.state, [3])
    agree(t, 'losses', [...first.losses, ...second.losses, ...third.losses], whole.losses)
    agree(t, 'weights', third.state.weights, whole.state.weights)
  })

  t.test(`${backend.name}: weights alone are enough to predict`, async t => {
    const options = tinyOptions({ threads: 1 })
    const start = tinyState(options)
    const { rows } = tinyEpoch(20)
    const trainer = await backend.create(options, start)
    const before = await trainer.predict(rows)
    await trainer.trainEpoch(tinyEpoch(20))
    await trainer.load({ weights: start.weights, moments: [], step: 0, momentum: 1 })
    t.strictSame(await trainer.predict(rows), before)
    await trainer.close()
  })
}
t.ok(ort, 'ort loads everywhere')
