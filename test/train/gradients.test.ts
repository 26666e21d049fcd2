import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { initialState } from '../../src/train/init.js'
import { layout, type Loss, type ModelSpec } from '../../src/train/spec.js'
import type { Backend, EpochOptions, State, TrainerOptions } from '../../src/train/trainer.js'
import { loadable } from './loadable.js'
import { dense, differences, forward, meanLoss } from './reference-net.js'
import { key, tables, tinyEpoch, tinyOptions, tinySpec, tinyState } from './tiny.js'

/** One SGD step over the epoch's rows as one batch; a power of two, so that the rate costs no digits. */
const RATE = 2 ** 14

async function gradientsOf(
  backend: Backend,
  options: TrainerOptions,
  state: State,
  epoch: EpochOptions,
) {
  const trainer = await backend.create(options, state)
  const { loss } = await trainer.trainEpoch({ ...epoch, learningRate: RATE })
  const after = await trainer.state()
  await trainer.close()
  return { loss, gradients: state.weights.map((w, i) => (w - after.weights[i]!) / RATE) }
}

const specs: readonly (readonly [string, ModelSpec])[] = [
  ...(['relu', 'tanh', 'sigmoid', 'linear'] as const).map(a => [a, tinySpec(a)] as const),
  ['a linear output', { ...tinySpec(), output: dense('auc', 5, 1, 'linear') }],
  ['equal dropout in both towers', equalTowers()],
  ['no layers but the output', { cell: [], drug: [], interaction: [], output: single(14) }],
  ['one tower', { cell: [], drug: tinySpec().drug, interaction: [], output: single(10) }],
]
const file = join(
  t.testdir({
    'quartic.mjs': `export const construct = ({ power }) => ({
      loss: (y, p) => 10 * (p - y) ** power,
      slope: (y, p) => 10 * power * (p - y) ** (power - 1),
    })`,
  }),
  'quartic.mjs',
)
const losses: readonly Loss[] = [
  { type: 'mse' },
  { type: 'mae' },
  { type: 'mae_poly', alpha: 2.5 },
  { type: 'custom', file, params: { power: 4 } },
]

/** One of `blas`: its libraries make products alone, which contract.test.ts looks at. */
const computing = loadable.filter(
  ({ name }, i) => !name.startsWith('blas:') || !/^blas:/.test(loadable[i - 1]?.name ?? ''),
)

/** A loss of one's own is called by ort and blas alone. */
function isComputed({ type }: Loss, { name }: Backend): boolean {
  return type !== 'custom' || /^(ort|blas)/.test(name)
}

for (const [what, spec] of specs)
  for (const loss of losses)
    for (const backend of computing)
      if (isComputed(loss, backend))
        t.test(
          `${backend.name}: gradients are those of float64 differences: ${what}, ${loss.type}`,
          async t => {
            const options = tinyOptions({ spec, loss, optimiser: 'SGD', batchSize: 6, threads: 2 })
            const state = tinyState(options)
            const epoch = tinyEpoch(6, { epoch: 5 })
            const drop = { key, epoch: 5, step: 0 }
            const f = (w: ArrayLike<number>) =>
              meanLoss(loss, epoch.y, forward(spec, w, tables, epoch.rows, drop))
            const { loss: met, gradients } = await gradientsOf(backend, options, state, epoch)
            const expected = differences(f, state.weights)

            t.ok(Math.abs(met - f(state.weights)) < 1e-6 * met, `loss ${met}`)
            for (const { name, offset, length } of layout(spec).slots) {
              const wanted = expected.subarray(offset, offset + length)
              const largest = Math.max(...wanted.map(Math.abs))
              const worst = Math.max(...wanted.map((g, i) => Math.abs(g - gradients[offset + i]!)))
              t.ok(largest > 1e-5, `${name} has gradients, up to ${largest}`)
              t.ok(worst <= 1e-4 * largest, `${name}: ${worst} of ${largest}`)
            }
          },
        )

interface Losses {
  readonly y: readonly number[]
  readonly p: readonly number[]
  readonly [loss: string]: unknown
}
const oracle = JSON.parse(readFileSync('test/fixtures/oracles/losses.json', 'utf8')) as Losses

for (const [name, loss] of [
  ['mse', { type: 'mse' }],
  ['mae', { type: 'mae' }],
  ['mae_poly_1', { type: 'mae_poly', alpha: 1 }],
  ['mae_poly_2', { type: 'mae_poly', alpha: 2 }],
  ['mae_poly_6', { type: 'mae_poly', alpha: 6 }],
] as const)
  for (const backend of loadable)
    t.test(`${backend.name}: ${name} and its gradient by the prediction are Keras'`, async t => {
      const n = oracle.y.length
      // each row is a cell of its own, so the kernel's gradient is the gradient by each prediction
      const spec: ModelSpec = {
        cell: [],
        drug: [],
        interaction: [],
        output: single(n + 1, 'linear'),
      }
      const cell = new Float32Array(n * n)
      for (let i = 0; i < n; i++) cell[i * n + i] = 1
      const options = tinyOptions({
        spec,
        tables: { cell, cellFeatures: n, drug: new Float32Array(1), drugFeatures: 1 },
        loss,
        optimiser: 'SGD',
        batchSize: n,
      })
      const state = initialState(spec, 'SGD', key)
      state.weights.fill(0)
      state.weights.set(oracle.p)
      const epoch = tinyEpoch(n, {
        rows: { cell: Int32Array.from({ length: n }, (_, i) => i), drug: new Int32Array(n) },
        y: Float32Array.from(oracle.y),
      })
      const { loss: met, gradients } = await gradientsOf(backend, options, state, epoch)
      const wanted = oracle[name] as { loss: number; grad: number[] }
      t.ok(Math.abs(met - wanted.loss) <= 1e-6 * wanted.loss, `loss ${met}, want ${wanted.loss}`)
      const largest = Math.max(...wanted.grad.map(Math.abs))
      wanted.grad.forEach((g, i) => {
        t.ok(Math.abs(g - gradients[i]!) <= 1e-6 * largest, `row ${i}: ${gradients[i]}, want ${g}`)
      })
    })

function single(inputs: number, activation: 'sigmoid' | 'linear' = 'sigmoid') {
  return dense('auc', inputs, 1, activation)
}

function equalTowers(): ModelSpec {
  const { cell, drug, ...rest } = tinySpec()
  const same = [...cell, ...drug].map(layer => ({ ...layer, dropout: 0.25 }))
  return { cell: same.slice(0, 2), drug: same.slice(2), ...rest }
}

for (const backend of loadable)
  if (!isComputed({ type: 'custom', file, params: {} }, backend))
    t.test(`${backend.name}: a custom loss is refused`, async t => {
      const options = tinyOptions({ loss: { type: 'custom', file, params: { power: 4 } } })
      const refused = { kind: 'USAGE', message: /^custom_loss_module: \w+ computes mse/ }
      await t.rejects(backend.create(options, tinyState(options)), refused)
    })
