import type { Key } from '../base/random.js'
import type { Loss, ModelSpec, OptimiserName } from './spec.js'

/** Feature tables, row-major float32; they stay resident, batches gather from them by code. */
export interface Tables {
  /** [cells, cellFeatures] */
  readonly cell: Float32Array
  readonly cellFeatures: number
  /** [drugs, drugFeatures] */
  readonly drug: Float32Array
  readonly drugFeatures: number
}

/** Rows to train or predict on, all of one length n, in the order of use. */
export interface Rows {
  /** Row of the cell table, 0-based. */
  readonly cell: Int32Array
  /** Row of the drug table, 0-based. */
  readonly drug: Int32Array
}

/** All that decides the next step: a checkpoint moves between backends. */
export interface State {
  /** Flat, in the order of `layout(spec)`. */
  readonly weights: Float32Array
  /** The optimiser's moments, each flat like `weights`: Adam [m, v]; SGD []. See optimisers.ts. */
  readonly moments: readonly Float32Array[]
  /** Optimiser steps done. */
  readonly step: number
  /** Nadam's product of momentum schedules, 1 at the start; 1 for the others. */
  readonly momentum: number
}

export interface TrainerOptions {
  readonly spec: ModelSpec
  readonly tables: Tables
  readonly loss: Loss
  readonly optimiser: OptimiserName
  /** Rows of a full batch; the last batch of an epoch is short. */
  readonly batchSize: number
  readonly threads: number
  /** Key of the dropout masks: stream dropout, counters (epoch, step, i). */
  readonly key: Key
}

export interface EpochOptions {
  /** 0-based; part of the counter of the dropout masks. */
  readonly epoch: number
  readonly rows: Rows
  /** auc, length n. */
  readonly y: Float32Array
  readonly learningRate: number
  /** Called now and then, at most about 5 times a second. */
  readonly onProgress?: (done: number, total: number) => void
  /** Abort: end after the running step and reject with Stopped's AbortError; the state is then unusable until `load`. */
  readonly signal?: AbortSignal
}

export interface EpochResult {
  /** Mean training loss over rows, as met before each step (Keras' running mean). */
  readonly loss: number
  readonly seconds: number
}

/** A model being trained. One call at a time. */
export interface Trainer {
  trainEpoch(options: EpochOptions): Promise<EpochResult>
  /** Dropout off. @returns ŷ, length n */
  predict(rows: Rows): Promise<Float32Array>
  /** A copy. */
  state(): Promise<State>
  load(state: State): Promise<void>
  close(): Promise<void>
}

/** A way to do the arithmetic. */
export interface Backend {
  readonly name: string
  /** Undefined if it loads here, else one line why not. */
  unavailable(): Promise<string | undefined>
  /** Which library computes, and its version: `oneDNN 2.6.0 (libdnnl.so.2)`. Only where it loads. */
  library?(): Promise<string>
  create(options: TrainerOptions, state: State): Promise<Trainer>
}
