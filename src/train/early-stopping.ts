/** Keras' EarlyStopping on val_loss with min_delta 0, and where the best weights are. Plain JSON. */
export interface StoppingState {
  /** Best val_loss; null: none yet. */
  readonly best: number | null
  /** 1-based epoch of it; 0: none yet. */
  readonly bestEpoch: number
  readonly wait: number
}

export const NEW_STOPPING: StoppingState = { best: null, bestEpoch: 0, wait: 0 }

/** @param epoch 1-based number of the finished epoch */
export function watch(state: StoppingState, epoch: number, valLoss: number): StoppingState {
  return state.best === null || valLoss < state.best
    ? { best: valLoss, bestEpoch: epoch, wait: 0 }
    : { ...state, wait: state.wait + 1 }
}

export function isOver({ wait }: StoppingState, patience: number): boolean {
  return wait >= patience
}
