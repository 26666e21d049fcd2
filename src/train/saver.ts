import { dropLast, saveCheckpoint, type CkptPlace } from './checkpoint.js'
import type { LoopState } from './ckpt-info.js'
import type { CkptOptions, TrainingOptions } from './options.js'
import type { State, Trainer } from './trainer.js'

/** Writes checkpoints while training goes on: one at a time, and the next waits for it. */
export interface Saver {
  /** What is under way is durable. */
  settled(): Promise<void>
  /** Call after each epoch, settled. Begins a checkpoint if the options want one. */
  epochDone(epoch: number, loop: LoopState): Promise<void>
  /** Training is over: its last epoch becomes durable, also where the interval skipped it. */
  finish(): Promise<void>
  /** The RUN must stop: the last finished epoch becomes durable whatever the options say. */
  stop(): Promise<void>
  /** Weights of the best val_loss, where `ckpts/best` does not hold them. No moments. */
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
  /** Every epoch with a better val_loss is saved, and `ckpts/best` names it. */
  const bestIsOnDisk =
    ckpt.saveBest &&
    ckpt.saveBestMetric === 'val_loss' &&
    ckpt.skipEpochs <= 1 &&
    ckpt.saveInterval > 0
  let running: Promise<void> = Promise.resolve()
  let best = start.bestState
  let unsaved: Epoch | undefined
  let trained = false

  const begin = ({ epoch, loop, state }: Epoch, mayBeBest: boolean) => {
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
        ...(place.features && { features: place.features }),
      },
      loop,
      metric,
      isBest: mayBeBest && values.indexOf(bestMetric) === epoch - 1,
      bestMetric,
      bestState: bestIsOnDisk ? undefined : best,
    })
    // seen at the next epochDone; without this a fault in between would end the process
    running.catch(() => undefined)
  }

  return {
    settled: () => running,
    epochDone: async (epoch, loop) => {
      trained = true
      const state = await trainer.state()
      // the writer takes the arrays over
      if (!bestIsOnDisk && loop.stopping.bestEpoch === epoch)
        best = { ...state, weights: state.weights.slice(), moments: [] }
      await running
      unsaved = { epoch, loop, state }
      if (!wanted(options, epoch, loop)) return
      begin(unsaved, true)
      unsaved = undefined
    },
    finish: async () => {
      await running
      if (!unsaved) return
      if (isAllowed(ckpt, unsaved.epoch)) begin(unsaved, true)
      else await dropLast(place)
      unsaved = undefined
      await running
    },
    stop: async () => {
      await running
      // best only by the options, or a stop would show in the result
      if (unsaved) begin(unsaved, false)
      unsaved = undefined
      await running
    },
    bestWeights: () => best,
    restoredOnly: () => !trained && start.loop.history.loss.length > 0,
  }
}

interface Epoch {
  readonly epoch: number
  readonly loop: LoopState
  readonly state: State
}

function isAllowed({ saveInterval, skipEpochs }: CkptOptions, epoch: number): boolean {
  return saveInterval > 0 && epoch >= skipEpochs
}

/** Upstream's order of decisions. */
function wanted(options: TrainingOptions, epoch: number, loop: LoopState): boolean {
  const { ckpt, epochs } = options
  const values = loop.history[ckpt.saveBestMetric]
  const improved = values.indexOf(Math.min(...values)) === epoch - 1
  if (!isAllowed(ckpt, epoch)) return false
  if (ckpt.saveBest && improved) return true
  if (epoch === epochs) return true
  return epoch % ckpt.saveInterval === 0
}

function widthsOf({ spec }: CkptPlace): readonly [number, number] {
  return [spec.cell[0]!.inputs, spec.drug[0]!.inputs]
}
