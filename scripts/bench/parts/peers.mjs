// Those who train and score the same synthetic Uno side by side: our backends, and PyTorch.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { backend, backendNames, chooseBackend } from '../../../dist/src/train/backends/registry.js'
import { initialState } from '../../../dist/src/train/init.js'
import { layers } from '../../../dist/src/train/spec.js'
import {
  FULL_UNO,
  SYNTHETIC_KEY as key,
  syntheticSamples,
  syntheticSpec,
  syntheticTables,
} from '../../../dist/src/train/synthetic.js'

/** Sizes as options. */
export const SIZES = {
  threads: 2,
  cells: FULL_UNO.cells,
  drugs: FULL_UNO.drugs,
  'cell-features': FULL_UNO.cellFeatures,
  'drug-features': FULL_UNO.drugFeatures,
  width: FULL_UNO.width,
  dropout: FULL_UNO.dropout,
}

export function sizeOf(given) {
  const { cells, drugs, width, dropout } = given
  const [cellFeatures, drugFeatures] = [given['cell-features'], given['drug-features']]
  return { cells, drugs, cellFeatures, drugFeatures, width, dropout }
}

/** Floating-point operations of a sample, forward and backward; nothing goes back into the features. */
export function flopsOf(size) {
  const spec = syntheticSpec(size)
  return layers(spec).reduce((sum, layer) => {
    const isFirst = layer === spec.cell[0] || layer === spec.drug[0]
    return sum + 2 * layer.inputs * layer.units * (isFirst ? 2 : 3)
  }, 0)
}

/** What `auto` takes, and the default of a plain install. */
export async function ourNames() {
  const chosen = (await chooseBackend('auto')).backend.name
  return [...new Set([chosen, 'ort'])].filter(name => backendNames.includes(name))
}

/** @param work batch, rows to train in a turn, rows to score */
export async function ours(name, given, { batch, train, score, repeats = true }) {
  const size = sizeOf(given)
  const spec = syntheticSpec(size)
  const trainer = await (
    await backend(name)
  ).create(
    {
      ...{ spec, tables: syntheticTables(size), loss: { type: 'mse' }, optimiser: 'Adam' },
      ...{ batchSize: batch, threads: given.threads, key },
    },
    initialState(spec, 'Adam', key),
  )
  const samples = syntheticSamples(size, train)
  const rows = repeats ? syntheticSamples(size, score, 2).rows : differentPairs(size, score)
  const timed = async work => {
    const [begun, used] = [performance.now(), process.cpuUsage()]
    await work()
    const { user, system } = process.cpuUsage(used)
    return { seconds: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
  }
  return {
    name,
    train: epoch => timed(() => trainer.trainEpoch({ epoch, ...samples, learningRate: 1e-4 })),
    predict: () => timed(() => trainer.predict(rows)),
    state: () => trainer.state(),
    close: () => trainer.close(),
  }
}

/** Pairs of cell and drug in no order, none twice before all have been there. */
function differentPairs({ cells, drugs }, n) {
  const STRIDE = 7919 // a prime, and no factor of the usual sizes
  const pairs = Array.from({ length: n }, (_, i) => (i * STRIDE) % (cells * drugs))
  return {
    cell: Int32Array.from(pairs, pair => Math.floor(pair / drugs)),
    drug: Int32Array.from(pairs, pair => pair % drugs),
  }
}

/** The Python that PYTHON names, else python3. Ends the benchmark where it has no PyTorch. */
export function pythonWithTorch() {
  const python = process.env.PYTHON || 'python3'
  const { status } = spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' })
  if (status === 0) return python
  console.error(`${python} has no PyTorch: PYTHON must name one that has it`)
  process.exit(2)
}

/** PyTorch with as many threads. Besides what ours do, `sgemm` gives the GFLOP/s of a large product. */
export async function torch(python, given, { batch, train, score, scoreBatch }) {
  const script = fileURLToPath(new URL('./train-torch.py', import.meta.url))
  const settings = { ...sizeOf(given), threads: given.threads, batch, train, score, scoreBatch }
  const child = spawn(python, [script, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OMP_NUM_THREADS: String(given.threads),
      OPENBLAS_NUM_THREADS: String(given.threads),
    },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${python} ended: status ${child.exitCode}`)
    return JSON.parse(value)
  }
  const ask = async what => {
    child.stdin.write(`${what}\n`)
    return next()
  }
  const { version, adam } = await next()
  return {
    name: `torch ${version}`,
    adam,
    train: () => ask('train'),
    predict: () => ask('predict'),
    sgemm: async () => (await ask('sgemm')).gflops,
    close: async () => {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
