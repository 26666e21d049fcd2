import { readFileSync } from 'node:fs'
import t from 'tap'
import { initialState } from '../../src/train/init.js'
import { layout, type ModelSpec } from '../../src/train/spec.js'
import { loadable } from './loadable.js'
import { dense, differences, forward, meanLoss } from './reference-net.js'
import { key, tables, tinyEpoch, tinyOptions, tinyState } from './tiny.js'

interface TinyUno {
  readonly cells: number[][]
  readonly drugs: number[][]
  readonly cell: number[][]
  readonly drug: number[][]
  readonly auc: number[][]
  readonly before: Record<string, [number[][], number[]]>
  readonly after: Record<string, [number[][], number[]]>
  readonly loss: number[]
  readonly predict: number[]
  readonly learning_rate: number
}

for (const backend of loadable) {
  t.test(
    `${backend.name}: 20 Adam steps of a tiny Uno are Keras': losses, weights, predictions`,
    async t => {
      const oracle = JSON.parse(
        readFileSync('test/fixtures/oracles/tiny-uno.json', 'utf8'),
      ) as TinyUno
      const tower = (name: string, inputs: number, count: number) =>
        Array.from({ length: count }, (_, i) =>
          dense(`${name}_dense_${i + 1}`, i ? 8 : inputs, 8, 'relu'),
        )
      const spec: ModelSpec = {
        cell: tower('cell', 5, 3),
        drug: tower('drug', 7, 3),
        interaction: tower('interaction', 16, 5),
        output: dense('auc', 8, 1, 'sigmoid'),
      }
      const flat = (weights: TinyUno['before']) =>
        layout(spec).slots.map(slot => {
          const [kernel, bias] = weights[slot.layer.name]!
          return { slot, values: slot.name.endsWith('/kernel') ? kernel.flat() : bias }
        })
      const state = initialState(spec, 'Adam', key)
      for (const { slot, values } of flat(oracle.before)) state.weights.set(values, slot.offset)
      const trainer = await backend.create(
        tinyOptions({
          spec,
          tables: {
            cell: Float32Array.from(oracle.cells.flat()),
            cellFeatures: 5,
            drug: Float32Array.from(oracle.drugs.flat()),
            drugFeatures: 7,
          },
          batchSize: 32,
        }),
        state,
      )
      t.teardown(() => trainer.close())
      for (const [i, wanted] of oracle.loss.entries()) {
        const { loss } = await trainer.trainEpoch({
          epoch: i,
          rows: { cell: Int32Array.from(oracle.cell[i]!), drug: Int32Array.from(oracle.drug[i]!) },
          y: Float32Array.from(oracle.auc[i]!),
          learningRate: oracle.learning_rate,
        })
        t.ok(Math.abs(loss - wanted) < 1e-6, `loss before step ${i + 1}: ${loss}, want ${wanted}`)
      }
      const { weights, step } = await trainer.state()
      t.equal(step, 20)
      for (const { slot, values } of flat(oracle.after)) {
        const worst = Math.max(...values.map((v, e) => Math.abs(v - weights[slot.offset + e]!)))
        t.ok(worst < 1e-5, `${slot.name}: ${worst}`)
      }
      const predicted = await trainer.predict({
        cell: Int32Array.from(oracle.cell[0]!),
        drug: Int32Array.from(oracle.drug[0]!),
      })
      const worst = Math.max(...oracle.predict.map((v, i) => Math.abs(v - predicted[i]!)))
      t.ok(worst < 1e-5, `predictions: ${worst}`)
    },
  )

  t.test(
    `${backend.name}: the last batch is short: its mean is over its own rows, its masks are its own`,
    async t => {
      const options = tinyOptions({ optimiser: 'SGD' })
      const { spec, loss } = options
      const state = tinyState(options)
      const epoch = tinyEpoch(7, { epoch: 3, learningRate: 0.5 })
      const trainer = await backend.create(options, state)
      t.teardown(() => trainer.close())
      const { loss: met } = await trainer.trainEpoch(epoch)
      const after = await trainer.state()

      let w: ArrayLike<number> = state.weights
      let sum = 0
      for (const [step, from, to] of [
        [0, 0, 4],
        [1, 4, 7],
      ] as const) {
        const rows = {
          cell: epoch.rows.cell.slice(from, to),
          drug: epoch.rows.drug.slice(from, to),
        }
        const y = epoch.y.slice(from, to)
        const f = (at: ArrayLike<number>) =>
          meanLoss(loss, y, forward(spec, at, tables, rows, { key, epoch: 3, step }))
        sum += f(w) * (to - from)
        const before = w
        w = differences(f, before).map((g, i) => before[i]! - 0.5 * g)
      }
      t.ok(Math.abs(met - sum / 7) < 1e-6, `loss ${met}, want ${sum / 7}`)
      t.equal(after.step, 2)
      const worst = Math.max(...after.weights.map((v, i) => Math.abs(v - w[i]!)))
      t.ok(worst < 1e-6, `weights differ by ${worst}`)
    },
  )

  t.test(
    `${backend.name}: predictions are those of the rows one by one, without dropout, over many chunks`,
    async t => {
      const options = tinyOptions()
      const state = tinyState(options)
      const trainer = await backend.create(options, state)
      t.teardown(() => trainer.close())
      const { rows } = tinyEpoch(5000)
      const predicted = await trainer.predict(rows)
      const expected = forward(options.spec, state.weights, tables, rows)
      t.equal(predicted.length, 5000)
      const worst = Math.max(...expected.map((v, i) => Math.abs(v - predicted[i]!)))
      t.ok(worst < 1e-6, `worst ${worst}`)
      t.same(await trainer.predict(rows), predicted)
      t.equal(
        (await trainer.predict({ cell: new Int32Array(0), drug: new Int32Array(0) })).length,
        0,
      )
    },
  )

  t.test(
    `${backend.name}: a repeat gives the same bits, also from a state in the middle`,
    async t => {
      const options = tinyOptions({ threads: 2, optimiser: 'Nadam' })
      const start = tinyState(options)
      const first = await backend.create(options, start)
      t.teardown(() => first.close())
      const epochs = [0, 1, 2].map(epoch => tinyEpoch(30, { epoch }))
      await first.trainEpoch(epochs[0]!)
      const middle = await first.state()
      await first.trainEpoch(epochs[1]!)
      const { loss } = await first.trainEpoch(epochs[2]!)
      const end = await first.state()
      t.notSame(end.weights, middle.weights)
      t.equal(end.step, 24)

      const second = await backend.create(options, middle)
      t.teardown(() => second.close())
      await second.trainEpoch(epochs[1]!)
      t.equal((await second.trainEpoch(epochs[2]!)).loss, loss)
      t.same(await second.state(), end)

      await second.load(start)
      for (const epoch of epochs) await second.trainEpoch(epoch)
      t.same(await second.state(), end)
      t.same(middle.step, 8, 'a state that was handed out does not move on')
    },
  )

  t.test(`${backend.name}: the epoch is in the masks`, async t => {
    const options = tinyOptions()
    const state = tinyState(options)
    const trainer = await backend.create(options, state)
    t.teardown(() => trainer.close())
    const { loss } = await trainer.trainEpoch(tinyEpoch(4, { epoch: 0 }))
    await trainer.load(state)
    t.not((await trainer.trainEpoch(tinyEpoch(4, { epoch: 1 }))).loss, loss)
    await trainer.load(state)
    t.equal((await trainer.trainEpoch(tinyEpoch(4, { epoch: 0 }))).loss, loss)
  })

  t.test(`${backend.name}: an abort ends the epoch after the running step`, async t => {
    const options = tinyOptions({ batchSize: 1 })
    const start = tinyState(options)
    const trainer = await backend.create(options, start)
    t.teardown(() => trainer.close())
    const steps = 20_000
    const stopping = new AbortController()
    const seen: number[] = []
    const onProgress = (done: number, total: number) => {
      t.equal(total, steps)
      seen.push(done)
      stopping.abort()
    }
    const epoch = tinyEpoch(steps, { onProgress, signal: stopping.signal })
    await t.rejects(trainer.trainEpoch(epoch), { name: 'AbortError' })
    const { step } = await trainer.state()
    t.ok(step >= seen[0]! && step < steps, `ended at step ${step}, progress at ${seen.join()}`)
    await t.rejects(trainer.trainEpoch(epoch), { name: 'AbortError' })
    t.equal((await trainer.state()).step, step, 'nothing is done for a signal that has fired')

    await trainer.load(start)
    t.equal((await trainer.trainEpoch(tinyEpoch(3))).loss > 0, true)
    t.equal((await trainer.state()).step, 3)
  })

  t.test(
    `${backend.name}: a code outside the tables rejects, and the trainer lives on`,
    async t => {
      const trainer = await backend.create(tinyOptions(), tinyState(tinyOptions()))
      t.teardown(() => trainer.close())
      const epoch = tinyEpoch(4)
      epoch.rows.cell[2] = 99
      await t.rejects(trainer.trainEpoch(epoch), /99/)
      t.ok((await trainer.trainEpoch(tinyEpoch(4))).loss > 0)
    },
  )

  t.test(`${backend.name}: one call at a time; none after close`, async t => {
    const trainer = await backend.create(tinyOptions(), tinyState(tinyOptions()))
    const running = trainer.trainEpoch(tinyEpoch(4))
    await t.rejects(trainer.state(), /one call at a time/)
    t.ok((await running).loss > 0)
    const pending = t.rejects(trainer.trainEpoch(tinyEpoch(4000)), /closed/)
    await trainer.close()
    await pending
    await t.rejects(trainer.state(), /closed/)
  })

  t.test(`${backend.name}: a state that does not fit the model is refused`, async t => {
    const state = tinyState(tinyOptions())
    const long = { ...state, weights: new Float32Array(state.weights.length + 16) }
    await t.rejects(backend.create(tinyOptions(), long))
  })
}
