import { saveCheckpoint, type CkptPlace } from './checkpoint.js'
import type { LoopState } from './ckpt-info.js'
import type { TrainingOptions } from './options.js'
import type { State, Trainer } from './trainer.js'

/** Writes checkpoints while training goes on: one at a time, and the next waits for it. */
export interface Saver {
  /** Call after each epoch. Resolves when the checkpoint before is durable and this one is under way. */
  epochDone(epoch: number, loop: LoopState): Promise<void>
  /** The last finished epoch becomes durable, also where the interval skipped it. */
  finish(): Promise<void>
  /** The best weights, where `ckpts/best` does not hold those of the best val_loss. */
  bestWeights(): State | undefined
  /** No epoch was trained in this attempt. */
  restoredOnly(): boolean
}

/** What an attempt begins with. */
export interface Start {
  readonly loop: LoopState
  readonly bestState: State | undefined
}

export function newSaver(
  place: CkptPlace,
  options: TrainingOptions,
  trainer: Trainer,
  start: Start,
): Saver {
  const { ckpt } = options
  /** `ckpts/best` is the best val_loss whenever every best epoch is saved by that metric. */
  const bestIsOnDisk = ckpt.saveBest && ckpt.saveBestMetric === 'val_loss' && ckpt.skipEpochs === 0
  let running: Promise<void> = Promise.resolve()
  let best = start.bestState
  let unsaved: { epoch: number; loop: LoopState; state: State } | undefined
  let trained = false

  const begin = (epoch: number, loop: LoopState, state: State) => {
    const values = loop.history[ckpt.saveBestMetric]
    const metric = values[epoch - 1]!
    const bestMetric = Math.min(...values.slice(0, epoch))
    running = saveCheckpoint(place, {
      epoch,
      model: {
        spec: place.spec,
        widths: widthsOf(place),
        optimiser: place.optimiser,
        learningRate: loop.history.learning_rate[epoch - 1]!,
        state,
      },
      loop,
      metric,
      isBest: values.indexOf(bestMetric) === epoch - 1,
      bestMetric,
      bestState: bestIsOnDisk ? undefined : best,
    })
    // seen at the next epochDone; without this a fault in between would end the process
    running.catch(() => undefined)
  }

  return {
    epochDone: async (epoch, loop) => {
      trained = true
      const state = await trainer.state()
      await running
      if (!bestIsOnDisk && loop.stopping.bestEpoch === epoch) best = state
      if (wanted(options, epoch, loop)) {
        unsaved = undefined
        begin(epoch, loop, state)
      } else unsaved = { epoch, loop, state }
    },
    finish: async () => {
      await running
      if (unsaved) begin(unsaved.epoch, unsaved.loop, unsaved.state)
      unsaved = undefined
      await running
    },
    bestWeights: () => best,
    restoredOnly: () => !trained && start.loop.history.loss.length > 0,
  }
}

/** Upstream's order of decisions. */
function wanted(options: TrainingOptions, epoch: number, loop: LoopState): boolean {
  const { ckpt, epochs } = options
  const values = loop.history[ckpt.saveBestMetric]
  const improved = values[epoch - 1] === Math.min(...values)
  if (epoch <= ckpt.skipEpochs) return false
  if (ckpt.saveBest && improved) return true
  if (epoch === epochs) return true
  return ckpt.saveInterval > 0 && epoch % ckpt.saveInterval === 0
}

function widthsOf({ spec }: CkptPlace): readonly [number, number] {
  return [spec.cell[0]!.inputs, spec.drug[0]!.inputs]
}
