import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HedError } from '../../src/base/errors.js'
import { openModelStore, type ModelStore } from '../../src/train/model-store.js'
import type { CkptOptions } from '../../src/train/options.js'
import { attempt, outcome, OPTIONS } from './loop-bench.js'

const store = openModelStore()
t.teardown(() => store.close())

const WAYS: Readonly<Record<string, Partial<CkptOptions>>> = {
  'each epoch': {},
  'each third epoch': { saveInterval: 3 },
  'not the best ones': { saveBest: false, saveInterval: 4 },
  'the best training loss': { saveBestMetric: 'loss', saveInterval: 100 },
  'none before epoch 6': { skipEpochs: 6 },
  'none at all': { saveInterval: 0 },
  'without the optimiser at the end': { dropOptimizer: true },
  'the best training loss, without the optimiser': { dropOptimizer: true, saveBestMetric: 'loss' },
}

t.test('the undisturbed RUN is a fair trial: its best epoch is not its last', async t => {
  const { result, trained, weights } = await attempt({ directory: t.testdir(), store })
  t.match(result, { epochs: 9, reason: 'completed' })
  t.ok(result.bestEpoch > 2 && result.bestEpoch < 9, `best is ${result.bestEpoch}`)
  t.same(trained, [0, 1, 2, 3, 4, 5, 6, 7, 8])
  t.ok(weights.some(w => w !== 0))
  const { history } = result
  for (const list of Object.values(history)) t.equal(list.length, 9)
  t.equal(history.val_loss[result.bestEpoch - 1], Math.min(...history.val_loss))
  t.ok(history.learning_rate.at(-1)! < OPTIONS.maxRate, 'the plateau rule was met')
})

for (const [way, ckpt] of Object.entries(WAYS))
  t.test(`stopped in any epoch and begun again, saving ${way}: the same bytes`, async t => {
    const root = t.testdir()
    const straight = join(root, 'straight')
    const wanted = outcome(straight, await attempt({ directory: straight, store, ckpt }))
    t.equal(wanted.last, ckpt.saveInterval === 0 ? undefined : 'epochs/009')
    for (let k = 0; k < 9; k++) {
      const directory = join(root, String(k))
      const stopped = attempt({
        directory,
        store,
        ckpt,
        onStep: (epoch, step, stop) => {
          if (epoch === k && step === 5) stop()
        },
      })
      await t.rejects(stopped, { name: 'AbortError' })
      const again = await attempt({ directory, store, ckpt, attempt: 2 })
      t.same(outcome(directory, again), wanted, `stopped in epoch ${k}`)
      t.equal(again.trained[0], k, 'no finished epoch was trained again')
      await isTidy(t, directory)
    }
  })

t.test('stopped twice and given more epochs, it ends like one never stopped', async t => {
  const root = t.testdir()
  const ckpt = { saveBest: false, saveInterval: 4 }
  const straight = join(root, 'straight')
  const wanted = outcome(straight, await attempt({ directory: straight, store, ckpt }))
  const directory = join(root, 'pieces')
  for (const [i, k] of [2, 5].entries()) {
    const stopped = attempt({
      directory,
      store,
      ckpt,
      attempt: i + 1,
      onStep: (epoch, step, stop) => {
        if (epoch === k && step === 0) stop()
      },
    })
    await t.rejects(stopped, { name: 'AbortError' })
  }
  await attempt({ directory, store, ckpt, options: { epochs: 7 }, attempt: 3 })
  const last = await attempt({ directory, store, ckpt, attempt: 4 })
  t.same(last.trained, [7, 8])
  t.same(outcome(directory, last), wanted)
})

t.test('killed before any rename it made, it ends in the same bytes', async t => {
  for (const ckpt of [{}, { saveBestMetric: 'loss' }, { dropOptimizer: true }] as const) {
    const root = t.testdir()
    const snapshots: { directory: string; finished: number }[] = []
    const straight = join(root, 'straight')
    mkdirSync(straight)
    let finished = 0
    const run = await attempt({
      directory: straight,
      store,
      ckpt,
      onEpoch: epoch => (finished = epoch),
      fence: async () => {
        const directory = join(root, `killed-${snapshots.length}`)
        cpSync(straight, directory, { recursive: true, verbatimSymlinks: true })
        snapshots.push({ directory, finished })
      },
    })
    const wanted = outcome(straight, run)
    t.ok(snapshots.length >= 2 * 9, `${snapshots.length} moments`)
    for (const { directory, finished: before } of snapshots) {
      const again = await attempt({ directory, store, ckpt, attempt: 2 })
      t.same(outcome(directory, again), wanted)
      t.ok(again.trained.length <= 9 - before + 1, `${before} of 9, then ${again.trained.length}`)
      await isTidy(t, directory)
    }
  }
})

t.test("without the optimiser's state a RUN is done, and more epochs begin anew", async t => {
  const root = t.testdir()
  const ckpt = { dropOptimizer: true }
  const small = join(root, 'small')
  const first = await attempt({ directory: small, store, ckpt })
  for (const epoch of await readdir(join(small, 'epochs')))
    t.same((await readdir(join(small, 'epochs', epoch))).sort(), ['ckpt-info.json', 'model.h5'])
  const whole = join(root, 'whole')
  await attempt({ directory: whole, store })
  const size = (directory: string) => statSync(join(directory, 'best', 'model.h5')).size
  t.ok(size(small) < size(whole))
  const again = await attempt({ directory: small, store, ckpt, attempt: 2 })
  t.same(again.trained, [], 'a finished RUN trains nothing')
  t.same(again.weights, first.weights)

  const longer = { directory: join(root, 'longer'), store, ckpt, options: { epochs: 11 } }
  const wanted = await attempt(longer)
  const more = await attempt({ ...longer, directory: small, attempt: 3 })
  t.same(outcome(small, more), outcome(longer.directory, wanted), 'as if never begun')
  t.equal(more.trained.length, 11)
  t.match(more.log, [/epoch 9 has no optimizer state .*no use for more epochs/])
})

t.test('with all epochs done it trains none, and holds the weights of the best', async t => {
  for (const ckpt of [{}, { saveBest: false, saveInterval: 4 }]) {
    const directory = t.testdir()
    const first = await attempt({ directory, store, ckpt })
    const second = await attempt({ directory, store, ckpt, attempt: 2 })
    t.same(second.trained, [])
    t.same(outcome(directory, second), outcome(directory, first))
  }
})

t.test('a damaged last checkpoint is named, and the one before it is used', async t => {
  const damages: Record<string, (model: string, info: string) => void> = {
    'cut short': model => truncateSync(model, 5000),
    'one bit changed': model => {
      const bytes = readFileSync(model)
      bytes[3000]! ^= 4
      writeFileSync(model, bytes)
    },
    'no JSON': (_, info) => writeFileSync(info, '{"epoch":'),
    empty: (_, info) => truncateSync(info, 0),
    'more after the end': (_, info) => appendFileSync(info, '}'),
  }
  const root = t.testdir()
  const straight = join(root, 'straight')
  const wanted = outcome(straight, await attempt({ directory: straight, store }))
  for (const [name, damage] of Object.entries(damages)) {
    const directory = join(root, name)
    await attempt({ directory, store, options: { epochs: 6 } })
    damage(join(directory, 'last', 'model.h5'), join(directory, 'last', 'ckpt-info.json'))
    const again = await attempt({ directory, store, attempt: 2 })
    t.same(again.trained, [5, 6, 7, 8], name)
    t.match(again.log.join('\n'), /epoch 6 is damaged.*\n.*goes on from epoch 5/)
    t.same(outcome(directory, again), wanted, name)
  }
})

t.test('epochs without a better val_loss end it early, and its last state is saved', async t => {
  const directory = t.testdir()
  const ended = await attempt({
    directory,
    store,
    options: { epochs: 200, stopPatience: 3 },
    ckpt: { saveInterval: 50 },
  })
  const { epochs, reason, bestEpoch } = ended.result
  t.equal(reason, 'early stopping')
  t.equal(epochs, bestEpoch + 3)
  const { last, best } = outcome(directory, ended)
  t.equal(last, `epochs/${String(epochs).padStart(3, '0')}`)
  t.equal(best, `epochs/${String(bestEpoch).padStart(3, '0')}`)
})

t.test('a loss that is no number fails the RUN with a hint, and what was saved stays', async t => {
  const directory = t.testdir()
  const failed = attempt({ directory, store, options: { maxRate: 1e30, warmUp: 'none' } })
  await t.rejects(failed, { kind: 'FAILED', message: /diverged/, hint: /learning_rate/ })
  await isTidy(t, directory)
})

t.test('ckpt_restart_mode: off begins anew, required refuses to', async t => {
  const directory = t.testdir()
  const required = attempt({ directory, store, ckpt: { restartMode: 'required' } })
  await t.rejects(required, HedError)
  const first = await attempt({ directory, store })
  const ckpt = { restartMode: 'off' } as const
  const anew = await attempt({ directory, store, ckpt, options: { epochs: 2 }, attempt: 2 })
  t.same(anew.trained, [0, 1])
  t.same(await readdir(join(directory, 'epochs')), ['001', '002'], 'no epoch of the old training')
  t.same(anew.result.history.val_loss, first.result.history.val_loss.slice(0, 2))
})

t.test('an epoch is reported when the one before is durable; one write at a time', async t => {
  const directory = t.testdir()
  let writing = 0
  let most = 0
  const watched: ModelStore = {
    ...store,
    write: async (...of) => {
      most = Math.max(most, ++writing)
      const sum = await store.write(...of)
      writing--
      return sum
    },
  }
  const seen: string[][] = []
  await attempt({
    directory,
    store: watched,
    ckpt: { keepLimit: 100 },
    onEpoch: epoch => {
      if (epoch > 1)
        t.match(
          readFileSync(join(directory, 'last', 'ckpt-info.json'), 'utf8'),
          `{"epoch":${epoch - 1},`,
        )
      seen.push([String(epoch)])
    },
  })
  t.equal(seen.length, 9)
  t.equal(most, 1)
})

t.test('a checkpoint that cannot be written fails the RUN', async t => {
  const directory = t.testdir()
  let calls = 0
  const fence = async () => {
    if (++calls > 4) throw new HedError('PROTOCOL', 'another leader has taken over')
  }
  await t.rejects(attempt({ directory, store, fence }), { message: /another leader/ })
  t.notOk((await readdir(join(directory, 'epochs'))).includes('009'))
})

/** Nothing is left over but what belongs there. */
async function isTidy(t: Test, directory: string): Promise<void> {
  const names = await readdir(directory)
  const extra = names.filter(name => !['best', 'last', 'epochs', 'ckpt.log'].includes(name))
  t.same(extra, [])
}
