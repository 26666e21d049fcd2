// What a checkpoint of full Uno with Adam's moments costs its training: the copy that training waits for, and what writing
// takes from it meanwhile. Turns with and without a checkpoint beside the same steps, in rotation, medians.
// Usage: npm run -s bench -- checkpoint [--steps 24] [--turns 5] [--batch 512] [--backends blas:onednn] [--threads 2]
//        [--folder where it is written] [--width 1000] ...
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { saveCheckpoint } from '../../dist/src/train/checkpoint.js'
import { NEW_STOPPING } from '../../dist/src/train/early-stopping.js'
import { NO_HISTORY } from '../../dist/src/train/history.js'
import { openModelStore } from '../../dist/src/train/model-store.js'
import { newSchedule } from '../../dist/src/train/schedule.js'
import { syntheticSpec } from '../../dist/src/train/synthetic.js'
import { DEFAULTS, readHyperparameters } from '../../dist/workflows/hed/hyperparameters.js'
import { median, round } from './parts/measure.mjs'
import { options } from './parts/options.mjs'
import { ourNames, ours, sizeOf, SIZES } from './parts/peers.mjs'

/** Share of an epoch of so many seconds. */
const BAR = 0.01
const EPOCH_S = 60
const given = options({
  ...{ steps: 24, turns: 5, batch: 512, backends: [], folder: [tmpdir()] },
  ...SIZES,
})
const [name] = given.backends.length === 0 ? await ourNames() : given.backends
const folder = mkdtempSync(join(given.folder[0], 'upf-heds-checkpoint-'))
const size = sizeOf(given)
const work = { batch: given.batch, train: given.batch * given.steps, score: 1 }
const trainer = await ours(name, given, work)
const store = openModelStore()
const { training } = readHyperparameters(DEFAULTS)
mkdirSync(join(folder, 'ckpts'))
const place = {
  ...{ directory: join(folder, 'ckpts'), options: training.ckpt, store, workName: 'work' },
  ...{
    fence: () => Promise.resolve(),
    spec: syntheticSpec(size),
    optimiser: 'Adam',
    log: () => {},
  },
}
const loop = { schedule: newSchedule(training), stopping: NEW_STOPPING, history: NO_HISTORY }
const seconds = from => (performance.now() - from) / 1000

/** As the saver does: the state is copied, then training goes on while it is written. */
async function checkpoint(epoch) {
  const begun = performance.now()
  const state = await trainer.state()
  const copy_s = seconds(begun)
  const { cellFeatures, drugFeatures } = size
  const model = {
    ...{ spec: place.spec, widths: [cellFeatures, drugFeatures], optimiser: 'Adam' },
    ...{ learningRate: 1e-4, state },
  }
  const best = { metric: 1, isBest: false, bestMetric: 1, bestState: undefined }
  const started = performance.now()
  const written = saveCheckpoint(place, { epoch, model, loop, ...best }).then(() =>
    seconds(started),
  )
  return { copy_s, written }
}

try {
  console.log(`load ${round(loadavg()[0])} at the start; ${name}, batch ${given.batch}`)
  await trainer.train(0)
  const turns = []
  for (let turn = 1; turn <= given.turns; turn++) {
    const without = await trainer.train(turn)
    const begun = performance.now()
    const { copy_s, written } = await checkpoint(turn)
    await trainer.train(turn)
    const with_s = seconds(begun)
    turns.push({ without_s: without.seconds, with_s, copy_s, write_s: await written })
  }
  const of = key => round(median(turns.map(t => t[key])))
  // each pair stands side by side: the machine changes less between its two than over all
  const cost_s = round(median(turns.map(t => t.with_s - t.without_s)))
  const file = join(place.directory, 'epochs', String(given.turns).padStart(3, '0'), 'model.h5')
  const result = {
    mb: round(statSync(file).size / 1e6),
    copy_s: of('copy_s'),
    write_s: of('write_s'),
    without_s: of('without_s'),
    with_s: of('with_s'),
    cost_s,
    share: round(cost_s / EPOCH_S),
  }
  const covered = result.write_s <= result.without_s
  const ok = covered && result.share <= BAR
  console.log(
    `${result.mb} MB; training waits ${result.copy_s} s for the copy, then ${result.write_s} s of writing beside it\n` +
      `${given.steps} steps: ${result.without_s} s without, ${result.with_s} s with a checkpoint${covered ? '' : '; too few steps to cover it'}\n` +
      `${cost_s} s more is ${round(100 * result.share)} % of an epoch of ${EPOCH_S} s, bar ${100 * BAR} %: ${ok ? 'ok' : 'missed'}`,
  )
  console.log(JSON.stringify({ bench: 'checkpoint', ...given, ...result, bar: BAR, ok }))
  process.exitCode = ok ? 0 : 1
} finally {
  await trainer.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
}
