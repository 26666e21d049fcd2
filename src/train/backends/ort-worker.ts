import { parentPort, type Transferable } from 'node:worker_threads'
import type { Rows, State, TrainerOptions } from '../trainer.js'
import { newOrtTrainer, type Epoch, type OrtTrainer } from './ort-train.js'

/** The thread in which `ort` computes: session.run blocks its caller, and the executor must stay awake. */
export type Request =
  | {
      readonly type: 'create'
      readonly options: TrainerOptions
      readonly state: State
      /** On shared memory. [0] ≠ 0: end after the running step. */
      readonly stop: Int32Array
    }
  | { readonly type: 'epoch'; readonly epoch: Epoch }
  | { readonly type: 'predict'; readonly rows: Rows }
  | { readonly type: 'state' }
  | { readonly type: 'load'; readonly state: State }

/** One `ok` or `error` for each request; `progress` before it. */
export type Reply =
  | { readonly type: 'ok'; readonly value: unknown }
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }

/** What an epoch comes to. */
export interface Trained {
  /** Undefined: stopped. */
  readonly loss: number | undefined
  readonly seconds: number
}

/** Between two reports of progress, in ms. */
const QUIET_MS = 200

const port = parentPort!
let trainer: OrtTrainer | undefined
let stop: Int32Array = new Int32Array(1)

port.on('message', (request: Request) => {
  perform(request).then(
    value => reply({ type: 'ok', value }, buffersOf(value)),
    (error: unknown) => reply({ type: 'error', error }),
  )
})

async function perform(request: Request): Promise<Trained | State | Float32Array | undefined> {
  if (request.type === 'create') {
    stop = request.stop
    trainer = await newOrtTrainer(request.options, request.state)
    return undefined
  }
  if (!trainer) throw new Error(`"${request.type}" before "create"`)
  switch (request.type) {
    case 'epoch':
      return trainEpoch(trainer, request.epoch)
    case 'predict':
      return trainer.predict(request.rows)
    case 'state':
      return trainer.state()
    case 'load':
      trainer.load(request.state)
      return undefined
  }
}

async function trainEpoch(trainer: OrtTrainer, epoch: Epoch): Promise<Trained> {
  const start = performance.now()
  let last = start
  const onStep = (done: number, total: number) => {
    const now = performance.now()
    if (now - last < QUIET_MS) return
    last = now
    reply({ type: 'progress', done, total })
  }
  const loss = await trainer.trainEpoch(epoch, onStep, () => Atomics.load(stop, 0) !== 0)
  return { loss, seconds: (performance.now() - start) / 1000 }
}

function reply(message: Reply, transfer: readonly Transferable[] = []): void {
  port.postMessage(message, transfer)
}

/** Large arrays move to the other thread instead of being copied. */
function buffersOf(value: Trained | State | Float32Array | undefined): ArrayBuffer[] {
  if (value instanceof Float32Array) return [value.buffer as ArrayBuffer]
  if (value === undefined || !('weights' in value)) return []
  return [value.weights, ...value.moments].map(array => array.buffer as ArrayBuffer)
}
