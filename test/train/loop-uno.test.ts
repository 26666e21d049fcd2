// A whole training by real backends, with its checkpoints: stopped, begun again, and handed from one to the other.
import t from 'tap'
import { STREAM, randomFloats } from '../../src/base/random.js'
import { initialState } from '../../src/train/init.js'
import { train, type Samples } from '../../src/train/loop.js'
import { openModelStore } from '../../src/train/model-store.js'
import type { OptimiserName } from '../../src/train/spec.js'
import type { Backend, Tables, Trainer } from '../../src/train/trainer.js'
import { loadable, withoutTorch } from './loadable.js'
import { KEY, CKPT, OPTIONS, outcome } from './loop-bench.js'
import { tinySpec } from './tiny-uno.js'

const find = (name: string) => loadable.find(each => each.name === name)
const ort = find('ort')!
const torch = find('torch:cpu')

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
async function attempt(
  backend: Backend,
  directory: string,
  optimiser: OptimiserName,
  stopIn?: number,
) {
  const spec = tinySpec(0.1)
  const loss = { type: 'mse' } as const
  const made = { spec, tables, loss, optimiser, batchSize: 16, threads: 1, key: KEY }
  const inner = await backend.create(made, initialState(spec, optimiser, KEY))
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

for (const backend of torch ? [ort, torch] : [ort])
  for (const optimiser of ['Adam', 'Nadam', 'SGD'] as const)
    t.test(
      `with ${backend.name} and ${optimiser}, a RUN stopped and begun again ends in the same bytes`,
      async t => {
        const directory = t.testdir({ straight: {}, stopped: {} })
        const straight = await attempt(backend, `${directory}/straight`, optimiser)
        const { loss } = straight.result.history
        t.ok(loss.at(-1)! < loss[0]!, `it learns: ${loss.join()}`)
        const stopped = attempt(backend, `${directory}/stopped`, optimiser, 2)
        await t.rejects(stopped, { name: 'AbortError' })
        const again = await attempt(backend, `${directory}/stopped`, optimiser)
        t.same(outcome(`${directory}/stopped`, again), outcome(`${directory}/straight`, straight))
      },
    )

for (const optimiser of ['Adam', 'Nadam', 'Adadelta'] as const)
  t.test(
    `a checkpoint of ort goes on in torch and back, ${optimiser}: the losses are those of one alone`,
    withoutTorch === undefined ? {} : { skip: withoutTorch },
    async t => {
      const directory = t.testdir({ alone: {}, together: {} })
      const alone = await attempt(ort, `${directory}/alone`, optimiser)
      const together = `${directory}/together`
      await t.rejects(attempt(ort, together, optimiser, 2), { name: 'AbortError' })
      await t.rejects(attempt(torch!, together, optimiser, 3), { name: 'AbortError' })
      const { result } = await attempt(ort, together, optimiser)
      for (const metric of ['loss', 'val_loss'] as const)
        for (const [epoch, wanted] of alone.result.history[metric].entries()) {
          const found = result.history[metric][epoch]!
          t.ok(Math.abs(found / wanted - 1) < 0.02, `${metric} ${epoch}: ${found}, want ${wanted}`)
        }
      t.equal(result.history.loss.length, 5)
    },
  )
