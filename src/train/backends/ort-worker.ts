import { parentPort, workerData } from 'node:worker_threads'
import type { EpochOptions, State, TrainerOptions } from '../trainer.js'
import { newOrtTrainer, type OrtTrainer } from './ort-train.js'

/** The thread in which `ort` computes: session.run blocks its caller, and the executor must stay awake. */
export interface WorkerStart {
  readonly options: TrainerOptions
  readonly state: State
  /** [0] ≠ 0: end after the running step. */
  readonly stop: Int32Array
}

export type Request =
  | { readonly op: 'epoch'; readonly epoch: Omit<EpochOptions, 'onProgress' | 'signal'> }
  | { readonly op: 'predict'; readonly rows: EpochOptions['rows'] }
  | { readonly op: 'state' }
  | { readonly op: 'load'; readonly state: State }

export type Reply =
  | { readonly type: 'ok'; readonly value: unknown }
  | { readonly type: 'error'; readonly error: Error }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }

/** Between two reports of progress, in ms. */
const QUIET_MS = 200

if (parentPort) {
  const port = parentPort
  const { options, state, stop } = workerData as WorkerStart
  const reply = (message: Reply, transfer: ArrayBuffer[] = []) =>
    port.postMessage(message, transfer)
  const ready = newOrtTrainer(options, state)
  ready.then(
    () => reply({ type: 'ok', value: undefined }),
    (error: unknown) => reply({ type: 'error', error: error as Error }),
  )
  port.on('message', (request: Request) => {
    ready
      .then(trainer => perform(trainer, request, stop, reply))
      .catch((error: unknown) => reply({ type: 'error', error: error as Error }))
  })
}

async function perform(
  trainer: OrtTrainer,
  request: Request,
  stop: Int32Array,
  reply: (message: Reply, transfer?: ArrayBuffer[]) => void,
): Promise<void> {
  switch (request.op) {
    case 'epoch': {
      let last = performance.now()
      const onStep = (done: number, total: number) => {
        const now = performance.now()
        if (now - last < QUIET_MS) return
        last = now
        reply({ type: 'progress', done, total })
      }
      const loss = await trainer.trainEpoch(
        request.epoch,
        onStep,
        () => Atomics.load(stop, 0) !== 0,
      )
      reply({ type: 'ok', value: loss })
      return
    }
    case 'predict': {
      const value = await trainer.predict(request.rows)
      reply({ type: 'ok', value }, [value.buffer as ArrayBuffer])
      return
    }
    case 'state': {
      const value = trainer.state()
      const arrays = [value.weights, ...value.moments].map(a => a.buffer as ArrayBuffer)
      reply({ type: 'ok', value }, arrays)
      return
    }
    case 'load':
      trainer.load(request.state)
      reply({ type: 'ok', value: undefined })
  }
}
