// Training and scoring rate of backend `ort` on data shaped like gdsc, in one line of JSON.
// Usage: npm run -s bench -- train [--batch 512] [--threads 2] [--dropout 0.1] [--width 1000] [--steps 20]
import { loadavg } from 'node:os'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { randomFloats, randomKey, STREAM } from '../../dist/src/base/random.js'
import { chooseBackend } from '../../dist/src/train/backends/registry.js'
import { initialState } from '../../dist/src/train/init.js'
import { layout } from '../../dist/src/train/spec.js'

const { values } = parseArgs({
  options: Object.fromEntries(
    ['batch', 'threads', 'dropout', 'width', 'steps'].map(name => [name, { type: 'string' }]),
  ),
})
const {
  batch = 512,
  threads = 2,
  dropout = 0.1,
  width = 1000,
  steps = 20,
} = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
const [cells, cellFeatures, drugs, drugFeatures] = [580, 706, 170, 554]
const key = randomKey(0, 'bench')

const stack = (name, inputs, count) =>
  Array.from({ length: count }, (_, i) => ({
    name: `${name}_dense_${i + 1}`,
    inputs: i ? width : inputs,
    units: width,
    activation: 'relu',
    dropout,
  }))
const spec = {
  cell: stack('cell', cellFeatures, 3),
  drug: stack('drug', drugFeatures, 3),
  interaction: stack('interaction', 2 * width, 5),
  output: { name: 'auc', inputs: width, units: 1, activation: 'sigmoid', dropout: 0 },
}
const uniform = (place, n) => randomFloats(key, STREAM.demo, 0, place, n)
const codes = (place, n, count) => Int32Array.from(uniform(place, n), v => Math.floor(v * count))
const tables = {
  cell: uniform(1, cells * cellFeatures).map(v => 2 * v - 1),
  cellFeatures,
  drug: uniform(2, drugs * drugFeatures).map(v => 2 * v - 1),
  drugFeatures,
}
const n = batch * steps
const rows = { cell: codes(3, n, cells), drug: codes(4, n, drugs) }
const y = uniform(5, n)

const timed = async work => {
  const start = performance.now()
  return { value: await work(), seconds: (performance.now() - start) / 1000 }
}
const before = loadavg()[0]
const { backend } = await chooseBackend('auto')
const init = await timed(() => initialState(spec, 'Adam', key))
const create = await timed(() =>
  backend.create(
    { spec, tables, loss: { type: 'mse' }, optimiser: 'Adam', batchSize: batch, threads, key },
    init.value,
  ),
)
const trainer = create.value
const rates = []
for (let epoch = 0; epoch < 4; epoch++) {
  const { seconds } = await trainer.trainEpoch({ epoch, rows, y, learningRate: 1e-4 })
  if (epoch > 0) rates.push(n / seconds) // the first one warms up
}
const score = await timed(() => trainer.predict(rows))
await trainer.close()
const median = rates.sort((a, b) => a - b)[1]
console.log(
  JSON.stringify({
    backend: backend.name,
    weights: layout(spec).weights,
    ...{ batch, threads, dropout, steps },
    samples_per_s: Math.round(median),
    slowest: Math.round(rates[0]),
    fastest: Math.round(rates[2]),
    predict_per_s: Math.round(n / score.seconds),
    init_s: Number(init.seconds.toFixed(2)),
    create_s: Number(create.seconds.toFixed(2)),
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    load_before: before,
    load_after: loadavg()[0],
  }),
)
