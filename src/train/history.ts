import { writeAtomic } from '../base/files.js'

/** One element an epoch, over all epochs, restarts included. null where undefined. */
export interface History {
  readonly loss: readonly number[]
  readonly val_loss: readonly number[]
  readonly r2_train: readonly (number | null)[]
  readonly r2_val: readonly (number | null)[]
  readonly learning_rate: readonly number[]
  readonly seconds: readonly number[]
}

export const NO_HISTORY: History = {
  loss: [],
  val_loss: [],
  r2_train: [],
  r2_val: [],
  learning_rate: [],
  seconds: [],
}

export type EpochRecord = { readonly [K in keyof History]: History[K][number] }

export function extend(history: History, epoch: EpochRecord): History {
  return {
    loss: [...history.loss, epoch.loss],
    val_loss: [...history.val_loss, epoch.val_loss],
    r2_train: [...history.r2_train, epoch.r2_train],
    r2_val: [...history.r2_val, epoch.r2_val],
    learning_rate: [...history.learning_rate, epoch.learning_rate],
    seconds: [...history.seconds, epoch.seconds],
  }
}

/** history.txt: one line of JSON. */
export async function writeHistory(path: string, history: History): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(history)}\n`)
}
