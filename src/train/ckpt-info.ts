import type { Json } from '../base/digest.js'
import type { StoppingState } from './early-stopping.js'
import type { History } from './history.js'
import type { ScheduleState } from './schedule.js'

/** All of the training loop that is not in model.h5: what the next epoch depends on. */
export interface LoopState {
  readonly schedule: ScheduleState
  readonly stopping: StoppingState
  readonly history: History
}

/** `ckpt-info.json`: one line; upstream's keys first, in upstream's order, then ours. */
export interface CkptInfo {
  /** 1-based. */
  readonly epoch: number
  readonly save_best_metric: string
  /** Best value of the metric so far, this epoch included. */
  readonly best_metric_last: number
  readonly model_file: string
  /** CRC-32 of model.h5, decimal; `__DISABLED__` if ckpt_checksum is false. */
  readonly checksum: string
  /** `YYYY-MM-DD HH:MM:SS` */
  readonly timestamp: string
  /** Seconds since the checkpoint before it; `__FIRST__` for the first. */
  readonly time_elapsed: number | string
  readonly metadata: Json
  /** This epoch's own value of the metric. */
  readonly metric: number
  readonly state: LoopState
  /** CRC-32 of the files beside model.h5, by name, decimal. Absent in checkpoints of earlier versions. */
  readonly checksums?: Readonly<Record<string, string>>
  /** Likewise. */
  readonly digests?: CkptDigests
}

/** What the state belongs to, as sha256: with another model or other data it is not gone on from. */
export interface CkptDigests extends RunDigests {
  /** Of the layers, as canonical JSON. */
  readonly model: string
}

/** As in the RUN's marker. */
export interface RunDigests {
  readonly params: string
  readonly data: string
}

export const MODEL_FILE = 'model.h5'
/** Beside model.h5 where `ckpts/best` follows another metric than val_loss. */
export const BEST_FILE = 'best-val-loss.h5'
/** Beside a model.h5 that is to stay without the optimiser's state: all of the state, until training is over. */
export const STATE_FILE = 'state.h5'
export const INFO_FILE = 'ckpt-info.json'
export const NO_CHECKSUM = '__DISABLED__'

/** @throws Error saying what is wrong */
export function parseCkptInfo(text: string): CkptInfo {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('is no JSON object')
  const info = value as Partial<CkptInfo>
  if (!Number.isInteger(info.epoch)) throw new Error('has no epoch')
  if (typeof info.checksum !== 'string') throw new Error('has no checksum')
  if ((info as DeepPartial).state?.history?.loss?.length !== info.epoch)
    throw new Error('has no state of that epoch: it is not one of ours')
  return value as CkptInfo
}

interface DeepPartial {
  readonly state?: { readonly history?: { readonly loss?: readonly unknown[] } }
}
