import { HedError } from '../base/errors.js'
import { shuffle, STREAM, type Key } from '../base/random.js'
import {
  discardCheckpoints,
  dropOptimiser,
  loadBest,
  loadLast,
  logCkpt,
  type CkptPlace,
  type Loaded,
} from './checkpoint.js'
import type { LoopState } from './ckpt-info.js'
import { isOver, NEW_STOPPING, watch } from './early-stopping.js'
import { extend, NO_HISTORY, type History } from './history.js'
import { loadLoss, lossOf } from './losses.js'
import { momentCount } from './optimisers.js'
import type { TrainingOptions } from './options.js'
import { newSaver, type Saver, type Start } from './saver.js'
import { beginEpoch, endEpoch, newSchedule } from './schedule.js'
import { variance } from '../base/statistics.js'
import type { Rows, Trainer } from './trainer.js'

/** Rows with their responses. */
export interface Samples {
  readonly rows: Rows
  /** auc, same length. */
  readonly y: Float32Array
}

export interface TrainRun {
  readonly options: TrainingOptions
  readonly trainer: Trainer
  readonly train: Samples
  readonly val: Samples
  readonly key: Key
  readonly place: CkptPlace
  /** Aborted: make the last finished epoch durable, then throw the AbortError. */
  readonly signal: AbortSignal
  readonly onEpoch: (epoch: number, history: History) => Promise<void>
  /** @param epoch finished epochs; @param part share of the running one */
  readonly onPart: (epoch: number, part: number, rate: number) => void
}

export interface TrainResult {
  readonly epochs: number
  readonly reason: 'completed' | 'early stopping'
  readonly history: History
  /** 1-based epoch of the best val_loss: the trainer holds its weights. */
  readonly bestEpoch: number
}

/**
 * Train from the last whole checkpoint, or from the trainer's own state, to the last epoch.
 * A function of data, options and key alone: a RUN stopped at any moment and begun again ends in the same bytes.
 *
 * @throws the signal's AbortError after the last finished epoch is durable
 */
export async function train(run: TrainRun): Promise<TrainResult> {
  const { options, trainer, place, signal } = run
  await loadLoss(options.loss)
  const start = await restore(run)
  let { loop } = start
  const saver = newSaver(place, options, trainer, start)
  try {
    for (let epoch = loop.history.loss.length; epoch < options.epochs; epoch++) {
      if (isOver(loop.stopping, options.stopPatience)) break
      signal.throwIfAborted()
      loop = await oneEpoch(run, loop, epoch)
      // an epoch counts as finished when the one before is durable: at most one is ever trained again
      await saver.settled()
      await run.onEpoch(epoch + 1, loop.history)
      await saver.epochDone(epoch + 1, loop)
    }
    await saver.finish()
  } catch (error) {
    if (signal.aborted) await saver.stop()
    else await saver.settled().catch(() => undefined) // leave no write behind; the first fault tells more
    throw error
  }
  await useBest(run, saver, loop)
  await dropOptimiser(place)
  const epochs = loop.history.loss.length
  return {
    epochs,
    reason: epochs < options.epochs ? 'early stopping' : 'completed',
    history: loop.history,
    bestEpoch: loop.stopping.bestEpoch,
  }
}

async function restore({ options, trainer, place }: TrainRun): Promise<Start> {
  const loop = { schedule: newSchedule(options), stopping: NEW_STOPPING, history: NO_HISTORY }
  const fresh = { loop, bestState: undefined }
  const off = options.ckpt.restartMode === 'off'
  const found = off ? undefined : await loadLast(place)
  if (found && !mayGoOn(found, options))
    place.log(
      `checkpoint of epoch ${found.info.epoch} has no optimizer state ("ckpt_drop_optimizer"): it is no use for more epochs`,
    )
  else if (found) {
    place.log(`goes on from epoch ${found.info.epoch}`)
    await trainer.load(found.state)
    return { loop: found.info.state, bestState: found.bestState }
  }
  if (options.ckpt.restartMode === 'required')
    throw new HedError(
      'FAILED',
      'ckpt_restart_mode is "required", but no whole checkpoint is there',
    )
  await discardCheckpoints(place)
  await logCkpt(place.directory, `save_interval: ${options.ckpt.saveInterval}`)
  return fresh
}

/** Is nothing left to train, or all there that training needs? */
function mayGoOn({ info, state }: Loaded, options: TrainingOptions): boolean {
  return (
    info.epoch >= options.epochs ||
    isOver(info.state.stopping, options.stopPatience) ||
    state.moments.length === momentCount(options.optimiser)
  )
}

async function oneEpoch(run: TrainRun, before: LoopState, epoch: number): Promise<LoopState> {
  const { options, trainer, train, val, key, signal } = run
  const schedule = beginEpoch(options, before.schedule, epoch)
  const begun = performance.now()
  const { loss } = await trainer.trainEpoch({
    epoch,
    ...shuffled(train, key, epoch),
    learningRate: schedule.rate,
    signal,
    onProgress: (done, total) => {
      const rate = done / ((performance.now() - begun) / 1000)
      run.onPart(epoch, done / total, rate)
    },
  })
  const predicted = await trainer.predict(val.rows)
  const valLoss = lossOf(options.loss, val.y, predicted)
  if (!Number.isFinite(loss + valLoss))
    throw new HedError(
      'FAILED',
      `epoch ${epoch + 1}: loss ${loss}, val_loss ${valLoss}: diverged`,
      {
        hint: 'Lower "learning_rate".',
      },
    )
  const history = extend(before.history, {
    loss,
    val_loss: valLoss,
    r2_train: r2(loss, train.y),
    r2_val: r2(valLoss, val.y),
    learning_rate: schedule.rate,
    seconds: (performance.now() - begun) / 1000,
  })
  return {
    schedule: endEpoch(options, schedule, valLoss),
    stopping: watch(before.stopping, epoch + 1, valLoss),
    history,
  }
}

/** Weights of the best val_loss into the trainer, for scores and predictions. */
async function useBest(run: TrainRun, saver: Saver, loop: LoopState): Promise<void> {
  const { bestEpoch } = loop.stopping
  const kept = saver.bestWeights()
  if (kept) {
    await run.trainer.load(kept)
    return
  }
  if (bestEpoch === loop.history.loss.length && !saver.restoredOnly()) return
  const best = await loadBest(run.place)
  if (best?.info.epoch !== bestEpoch)
    throw new HedError('FAILED', `the checkpoint of epoch ${bestEpoch}, the best, is gone`, {
      hint: "Remove the RUN's ckpts/ to train it anew.",
    })
  await run.trainer.load(best.state)
}

/** The rows of one epoch in its own seeded order. */
function shuffled({ rows, y }: Samples, key: Key, epoch: number): Samples {
  const order = Int32Array.from({ length: y.length }, (_, i) => i)
  shuffle(key, STREAM.shuffle, epoch, order)
  return {
    rows: {
      cell: order.map(i => rows.cell[i]!),
      drug: order.map(i => rows.drug[i]!),
    },
    y: Float32Array.from(order, i => y[i]!),
  }
}

/** As upstream logs it: 1 − loss / variance; null for constant responses. */
function r2(loss: number, y: Float32Array): number | null {
  const spread = variance(y)
  return spread > 0 ? 1 - loss / spread : null
}
