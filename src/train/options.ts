import type { Loss, OptimiserName } from './spec.js'

export type WarmUp = 'none' | 'constant' | 'linear' | 'quadratic' | 'exponential'

/** How a model is trained: hyperparameters, checked. */
export interface TrainingOptions {
  readonly epochs: number
  readonly batchSize: number
  /** learning_rate × batch_size. */
  readonly maxRate: number
  readonly optimiser: OptimiserName
  readonly loss: Loss
  readonly warmUp: WarmUp
  readonly warmUpEpochs: number
  readonly patience: number
  readonly factor: number
  /** Epochs without a better val_loss before training ends. */
  readonly stopPatience: number
  readonly ckpt: CkptOptions
}

/** Upstream's `ckpt_*`, same meanings. */
export interface CkptOptions {
  readonly restartMode: 'auto' | 'off' | 'required'
  readonly saveBest: boolean
  readonly saveBestMetric: 'val_loss' | 'loss'
  /** No checkpoint before this epoch, 1-based. */
  readonly skipEpochs: number
  /** Every n-th epoch, the best and the last; 0: none, but where the RUN must stop. */
  readonly saveInterval: number
  readonly checksum: boolean
  readonly keepLimit: number
  readonly keepMode: 'linear' | 'exponential' | 'all'
  /** Leave the optimiser's state out once training is over. */
  readonly dropOptimizer: boolean
  readonly metadata: string | null
}
