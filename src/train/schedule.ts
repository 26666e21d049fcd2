import type { WarmUp } from './options.js'

/** Learning rate over epochs: upstream's warm-up, then Keras' ReduceLROnPlateau on val_loss. All float64. */
export interface ScheduleOptions {
  /** learning_rate × batch_size. */
  readonly maxRate: number
  readonly warmUp: WarmUp
  readonly warmUpEpochs: number
  /** Epochs without improvement before the rate falls. */
  readonly patience: number
  readonly factor: number
}

/** Plain JSON: part of a checkpoint. */
export interface ScheduleState {
  readonly rate: number
  /** Best val_loss the plateau rule has seen; null: none yet. */
  readonly best: number | null
  readonly wait: number
}

/** An improvement smaller than this is none (Keras' min_delta). */
const MIN_DELTA = 1e-4

export function newSchedule({ maxRate }: ScheduleOptions): ScheduleState {
  return { rate: maxRate / 100, best: null, wait: 0 }
}

/** The rate to train an epoch with. @param epoch 0-based */
export function beginEpoch(
  options: ScheduleOptions,
  state: ScheduleState,
  epoch: number,
): ScheduleState {
  const { maxRate, warmUp, warmUpEpochs } = options
  if (epoch > warmUpEpochs) return state
  const start = maxRate / 100
  const share = warmUpEpochs === 0 ? 1 : epoch / warmUpEpochs
  switch (warmUp) {
    case 'none':
    case 'constant':
      return { ...state, rate: maxRate }
    case 'linear':
      return { ...state, rate: start + (maxRate - start) * share }
    case 'quadratic':
      return { ...state, rate: start + (maxRate - start) * share ** 2 }
    case 'exponential':
      return { ...state, rate: start * (maxRate / start) ** share }
  }
}

/** The plateau rule, after an epoch. */
export function endEpoch(
  { maxRate, patience, factor }: ScheduleOptions,
  state: ScheduleState,
  valLoss: number,
): ScheduleState {
  const least = maxRate / 10000
  if (state.best === null || valLoss < state.best - MIN_DELTA)
    return { ...state, best: valLoss, wait: 0 }
  const wait = state.wait + 1
  return wait >= patience && state.rate > least
    ? { ...state, rate: Math.max(state.rate * factor, least), wait: 0 }
    : { ...state, wait }
}
