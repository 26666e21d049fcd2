import type { EpochOptions, Rows, State, Trainer, TrainerOptions } from '../trainer.js'
import { newThread, type Thread } from './thread.js'

/** What the thread is asked for: `EpochOptions` without what cannot be sent to a thread. */
export type Epoch = Omit<EpochOptions, 'onProgress' | 'signal'>

/** Training and prediction in the thread it is called from, which it blocks. */
export interface ServedTrainer {
  /** @returns mean loss over the rows; undefined if `stop` said so between two steps */
  trainEpoch(
    epoch: Epoch,
    onStep: (done: number, total: number) => void,
    stop: () => boolean,
  ): Promise<number | undefined> | number | undefined
  predict(rows: Rows): Promise<Float32Array> | Float32Array
  /** A copy. */
  state(): Promise<State> | State
  load(state: State): void
  /** Give back what would outlive the thread. */
  close?(): void
}

export type Request =
  | {
      readonly type: 'create'
      readonly options: TrainerOptions
      readonly state: State
      /** Of a backend that comes in several kinds. */
      readonly kind: string
    }
  | { readonly type: 'epoch'; readonly epoch: Epoch }
  | { readonly type: 'predict'; readonly rows: Rows }
  | { readonly type: 'state' }
  | { readonly type: 'load'; readonly state: State }

/** What an epoch comes to. */
export interface Trained {
  /** Undefined: stopped. */
  readonly loss: number | undefined
  readonly seconds: number
}

/** A trainer in a thread of its own. @param script calls `serveTrainer` */
export async function newThreadTrainer(
  script: URL,
  options: TrainerOptions,
  state: State,
  kind = '',
): Promise<Trainer> {
  const thread = newThread<Request>(script)
  try {
    await thread.ask({ type: 'create', options, state, kind })
  } catch (error) {
    await thread.close()
    throw error
  }
  return newTrainer(thread)
}

/** A trainer over whatever answers its requests. */
export function newTrainer(thread: Thread<Request>): Trainer {
  return {
    trainEpoch: async ({ onProgress, signal, ...epoch }) => {
      if (signal?.aborted) throw stopped()
      const answer = thread.ask({ type: 'epoch', epoch }, onProgress)
      const onAbort = () => thread.stop()
      signal?.addEventListener('abort', onAbort)
      try {
        const { loss, seconds } = (await answer) as Trained
        if (loss === undefined) throw stopped()
        return { loss, seconds }
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    predict: async rows => (await thread.ask({ type: 'predict', rows })) as Float32Array,
    state: async () => (await thread.ask({ type: 'state' })) as State,
    load: async state => {
      await thread.ask({ type: 'load', state })
    },
    close: () => thread.close(),
  }
}

function stopped(): DOMException {
  return new DOMException('stopped within an epoch', 'AbortError')
}
