import { readFileSync, readlinkSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { randomFloats, randomKey, STREAM } from '../../src/base/random.js'
import type { CkptPlace } from '../../src/train/checkpoint.js'
import type { History } from '../../src/train/history.js'
import { train, type Samples, type TrainResult, type TrainRun } from '../../src/train/loop.js'
import type { ModelStore } from '../../src/train/model-store.js'
import type { CkptOptions, TrainingOptions } from '../../src/train/options.js'
import { LINE_SPEC, lineTrainer } from './linear-trainer.js'

export const KEY = randomKey(7, 'Camptothecin')

export const CKPT: CkptOptions = {
  restartMode: 'auto',
  saveBest: true,
  saveBestMetric: 'val_loss',
  skipEpochs: 0,
  saveInterval: 1,
  checksum: true,
  keepLimit: 3,
  keepMode: 'linear',
  dropOptimizer: false,
  metadata: null,
}

export const OPTIONS: TrainingOptions = {
  epochs: 9,
  batchSize: 4,
  maxRate: 0.3,
  optimiser: 'Adam',
  loss: { type: 'mse' },
  warmUp: 'linear',
  warmUpEpochs: 2,
  patience: 2,
  factor: 0.5,
  stopPatience: 20,
  ckpt: CKPT,
}

function samples(n: number, step: number): Samples {
  const random = randomFloats(KEY, STREAM.demo, 0, step, 3 * n)
  const cell = Int32Array.from({ length: n }, (_, i) => random[i]! * 8)
  const drug = Int32Array.from({ length: n }, (_, i) => random[n + i]! * 8)
  const y = Float32Array.from(
    cell,
    (c, i) => 0.3 + 0.05 * c - 0.02 * drug[i]! + 0.3 * random[2 * n + i]!,
  )
  return { rows: { cell, drug }, y }
}

export interface Attempt {
  readonly directory: string
  readonly store: ModelStore
  readonly options?: Partial<TrainingOptions>
  readonly ckpt?: Partial<CkptOptions>
  /** Number of the attempt. */
  readonly attempt?: number
  /** Called before each step of training. */
  readonly onStep?: (epoch: number, step: number, stop: () => void) => void
  readonly onEpoch?: (epoch: number) => void
  readonly fence?: () => Promise<void>
}

export interface Attempted {
  readonly result: TrainResult
  /** Epochs trained in this attempt, 0-based. */
  readonly trained: readonly number[]
  /** That the trainer ended with. */
  readonly weights: readonly number[]
  readonly log: readonly string[]
}

/** One attempt at a RUN with the line trainer. */
export async function attempt(a: Attempt): Promise<Attempted> {
  const controller = new AbortController()
  const trainer = lineTrainer(KEY, (epoch, step) =>
    a.onStep?.(epoch, step, () => controller.abort()),
  )
  const log: string[] = []
  const ckpt = { ...CKPT, ...a.ckpt }
  const options = { ...OPTIONS, ...a.options, ckpt }
  const place: CkptPlace = {
    directory: a.directory,
    options: ckpt,
    store: a.store,
    workName: `work-1-${a.attempt ?? 1}-abcd`,
    fence: a.fence ?? (async () => undefined),
    spec: LINE_SPEC,
    optimiser: options.optimiser,
    log: text => log.push(text),
  }
  const run: TrainRun = {
    options,
    trainer,
    train: samples(64, 1),
    val: samples(16, 2),
    key: KEY,
    place,
    signal: controller.signal,
    onEpoch: async epoch => a.onEpoch?.(epoch),
    onPart: () => undefined,
  }
  const result = await train(run)
  const { weights } = await trainer.state()
  return { result, trained: trainer.epochs, weights: [...weights], log }
}

/** What must be the same however often a RUN was stopped: its links, their models, its history but for seconds. */
export function outcome(directory: string, { result, weights }: Attempted) {
  const model = (name: string) =>
    existsSync(join(directory, name))
      ? readFileSync(join(directory, name, 'model.h5')).toString('base64')
      : undefined
  const link = (name: string) =>
    existsSync(join(directory, name)) ? readlinkSync(join(directory, name)) : undefined
  return {
    ...result,
    history: withoutSeconds(result.history),
    weights,
    best: link('best'),
    last: link('last'),
    bestModel: model('best'),
    lastModel: model('last'),
  }
}

export function withoutSeconds(history: History): Omit<History, 'seconds'> {
  const { loss, val_loss, r2_train, r2_val, learning_rate } = history
  return { loss, val_loss, r2_train, r2_val, learning_rate }
}
