// Training and scoring rates of the backends, and of PyTorch where PYTHON names a Python that has it, side by
// side: short turns in rotation, medians. Full Uno unless said otherwise; ends with one line of JSON.
// Usage: npm run -s bench -- train [--batch 512] [--threads 2] [--dropout 0.1] [--width 1000] [--steps 8]
//        [--turns 7] [--score 8192 rows, or 0] [--cells 580] [--drugs 170] [--cell-features 958] [--drug-features 1613]
//        [--backends blas:onednn,ort]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { randomFloats, randomKey, STREAM } from '../../dist/src/base/random.js'
import { backend, backendNames, chooseBackend } from '../../dist/src/train/backends/registry.js'
import { initialState } from '../../dist/src/train/init.js'
import { layout } from '../../dist/src/train/spec.js'

/** Times PyTorch's rate: training at batch 512 and 32, scoring. */
const BARS = { train: 1.1, predict: 4 }
const defaults = {
  batch: 512,
  threads: 2,
  dropout: 0.1,
  width: 1000,
  steps: 8,
  turns: 7,
  score: 8192,
  cells: 580,
  drugs: 170,
  'cell-features': 958,
  'drug-features': 1613,
}
const names = [...Object.keys(defaults), 'backends']
const { values } = parseArgs({
  options: Object.fromEntries(names.map(name => [name, { type: 'string' }])),
})
const given = Object.fromEntries(
  Object.entries(defaults).map(([name, value]) => [name, Number(values[name] ?? value)]),
)
const { batch, threads, dropout, width, steps, turns, score: scored, cells, drugs } = given
const [cellFeatures, drugFeatures] = [given['cell-features'], given['drug-features']]
const n = batch * steps
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
const uniform = (place, length) => randomFloats(key, STREAM.demo, 0, place, length)
const codes = (place, length, count) =>
  Int32Array.from(uniform(place, length), v => Math.floor(v * count))
const tables = {
  cell: uniform(1, cells * cellFeatures).map(v => 2 * v - 1),
  cellFeatures,
  drug: uniform(2, drugs * drugFeatures).map(v => 2 * v - 1),
  drugFeatures,
}
const rows = { cell: codes(3, n, cells), drug: codes(4, n, drugs) }
/** Rows of a validation set: several for each cell and drug. */
const toScore = { cell: codes(6, scored, cells), drug: codes(7, scored, drugs) }
const y = uniform(5, n)
const state = initialState(spec, 'Adam', key)

const load = [loadavg()[0]]
const peers = []
for (const name of values.backends?.split(',') ?? (await loadable())) peers.push(await ours(name))
if (process.env.PYTHON) peers.push(await torch(process.env.PYTHON))

for (const peer of peers) await peer.train(0) // warm up
for (let turn = 1; turn <= turns; turn++)
  for (const peer of peers) {
    const { seconds, cpu } = await peer.train(turn)
    peer.trained.push(n / seconds)
    peer.cpu.push(cpu / n)
  }
if (scored > 0) for (const peer of peers) await peer.predict()
for (let turn = 0; scored > 0 && turn < 3; turn++)
  for (const peer of peers) peer.predicted.push(scored / (await peer.predict()).seconds)
for (const peer of peers) await peer.close()
load.push(loadavg()[0])

const rate = (peer, what) => Math.round(median(peer[what]) ?? 0)
const reference = peers.find(peer => peer.name.startsWith('torch'))
const ratio = (peer, what) =>
  reference && Number((rate(peer, what) / rate(reference, what) || 0).toFixed(3))
const results = peers.map(peer => ({
  name: peer.name,
  samples_per_s: rate(peer, 'trained'),
  slowest: Math.round(Math.min(...peer.trained)),
  fastest: Math.round(Math.max(...peer.trained)),
  cpu_us: Number((median(peer.cpu) * 1e6).toFixed(0)),
  predict_per_s: rate(peer, 'predicted'),
  create_s: peer.create_s,
  ratio: ratio(peer, 'trained'),
  predict_ratio: ratio(peer, 'predicted'),
}))
for (const { name, samples_per_s, cpu_us, predict_per_s, ratio, predict_ratio } of results)
  console.log(
    `${name.padEnd(14)} ${samples_per_s} samples/s, ${cpu_us} µs of CPU each; scoring ${predict_per_s}/s` +
      (reference ? `; ${ratio} × and ${predict_ratio} × ${reference.name}` : ''),
  )
const first = results[0]
const scoredWell = scored === 0 || first.predict_ratio >= BARS.predict
const ok = !reference || (first.ratio >= BARS.train && scoredWell)
console.log(
  JSON.stringify({
    weights: layout(spec).weights,
    ...given,
    results,
    bars: BARS,
    load,
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    ok,
  }),
)
process.exitCode = ok ? 0 : 1

/** What `auto` takes, and the default of a plain install. */
async function loadable() {
  const chosen = (await chooseBackend('auto')).backend.name
  return [...new Set([chosen, 'ort'])].filter(name => backendNames.includes(name))
}

async function ours(name) {
  const start = performance.now()
  const options = { spec, tables, loss: { type: 'mse' }, optimiser: 'Adam', batchSize: batch }
  const trainer = await (await backend(name)).create({ ...options, threads, key }, state)
  const create_s = Number(((performance.now() - start) / 1000).toFixed(2))
  const timed = async work => {
    const [begun, used] = [performance.now(), process.cpuUsage()]
    await work()
    const { user, system } = process.cpuUsage(used)
    return { seconds: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
  }
  return {
    ...{ name, create_s, trained: [], cpu: [], predicted: [] },
    train: epoch => timed(() => trainer.trainEpoch({ epoch, rows, y, learningRate: 1e-4 })),
    predict: () => timed(() => trainer.predict(toScore)),
    close: () => trainer.close(),
  }
}

async function torch(python) {
  const script = fileURLToPath(new URL('./parts/train-torch.py', import.meta.url))
  const settings = { cellFeatures, drugFeatures, cells, drugs, batch, threads, dropout, width }
  const child = spawn(python, [script, JSON.stringify({ ...settings, steps, scored })], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OMP_NUM_THREADS: String(threads),
      OPENBLAS_NUM_THREADS: String(threads),
    },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${python} ended: has it PyTorch?`)
    return JSON.parse(value)
  }
  const ask = async what => {
    child.stdin.write(`${what}\n`)
    return next()
  }
  const { version } = await next()
  return {
    ...{ name: `torch ${version}`, trained: [], cpu: [], predicted: [] },
    train: () => ask('train'),
    predict: () => ask('predict'),
    close: async () => {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
