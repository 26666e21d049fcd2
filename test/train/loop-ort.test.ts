import t from 'tap'
import { STREAM, randomFloats } from '../../src/base/random.js'
import { ort } from '../../src/train/backends/ort.js'
import { initialState } from '../../src/train/init.js'
import { train, type Samples } from '../../src/train/loop.js'
import { openModelStore } from '../../src/train/model-store.js'
import type { OptimiserName } from '../../src/train/spec.js'
import type { Tables, Trainer } from '../../src/train/trainer.js'
import { KEY, CKPT, OPTIONS, outcome } from './loop-bench.js'
import { tinySpec } from './tiny-uno.js'

const CELLS = 11
const DRUGS = 13
const random = (n: number, step: number) => randomFloats(KEY, STREAM.demo, 0, step, n)

const tables: Tables = {
  cell: random(CELLS * 5, 1),
  cellFeatures: 5,
  drug: random(DRUGS * 7, 2),
  drugFeatures: 7,
}

function samples(n: number, step: number): Samples {
  const cell = Int32Array.from(random(n, step), x => x * CELLS)
  const drug = Int32Array.from(random(n, step + 1), x => x * DRUGS)
  const y = Float32Array.from(cell, (c, i) => tables.cell[c * 5]! * tables.drug[drug[i]! * 7]!)
  return { rows: { cell, drug }, y }
}

const store = openModelStore()
t.teardown(() => store.close())

/** @param stopIn 0-based epoch that is told to stop as it begins */
async function attempt(directory: string, optimiser: OptimiserName, stopIn?: number) {
  const spec = tinySpec(0.1)
  const loss = { type: 'mse' } as const
  const made = { spec, tables, loss, optimiser, batchSize: 16, threads: 1, key: KEY }
  const inner = await ort.create(made, initialState(spec, optimiser, KEY))
  const controller = new AbortController()
  const trainer: Trainer = {
    ...inner,
    trainEpoch: options => {
      const done = inner.trainEpoch(options)
      if (options.epoch === stopIn) controller.abort()
      return done
    },
  }
  try {
    const result = await train({
      options: { ...OPTIONS, epochs: 5, maxRate: 0.01, batchSize: 16, optimiser },
      trainer,
      train: samples(300, 3),
      val: samples(50, 5),
      key: KEY,
      place: {
        directory,
        options: CKPT,
        store,
        workName: `work-1-${stopIn === undefined ? 2 : 1}-abcd`,
        fence: async () => undefined,
        spec,
        optimiser,
        log: () => undefined,
      },
      signal: controller.signal,
      onEpoch: async () => undefined,
      onPart: () => undefined,
    })
    const { weights } = await trainer.state()
    return { result, weights: [...weights], trained: [], log: [] }
  } finally {
    await trainer.close()
  }
}

for (const optimiser of ['Adam', 'Nadam', 'SGD'] as const)
  t.test(
    `with onnxruntime and ${optimiser}, a RUN stopped and begun again ends in the same bytes`,
    async t => {
      const directory = t.testdir({ straight: {}, stopped: {} })
      const straight = await attempt(`${directory}/straight`, optimiser)
      const { loss } = straight.result.history
      t.ok(loss.at(-1)! < loss[0]!, `it learns: ${loss.join()}`)
      await t.rejects(attempt(`${directory}/stopped`, optimiser, 2), { name: 'AbortError' })
      const again = await attempt(`${directory}/stopped`, optimiser)
      t.same(outcome(`${directory}/stopped`, again), outcome(`${directory}/straight`, straight))
    },
  )
