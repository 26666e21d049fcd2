import type { Rows, State, TrainerOptions } from '../trainer.js'
import { newOrtTrainer, type Epoch, type OrtTrainer } from './ort-train.js'
import { serve, type Running } from './serve.js'

/** The thread in which `ort` computes: session.run blocks its caller, and the executor must stay awake. */
export type Request =
  | { readonly type: 'create'; readonly options: TrainerOptions; readonly state: State }
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

type Answer = Trained | State | Float32Array | undefined

let trainer: OrtTrainer | undefined
serve((request, running) => perform(request as Request, running), buffersOf)

async function perform(request: Request, running: Running): Promise<Answer> {
  if (request.type === 'create') {
    trainer = await newOrtTrainer(request.options, request.state)
    return undefined
  }
  if (!trainer) throw new Error(`"${request.type}" before "create"`)
  switch (request.type) {
    case 'epoch': {
      const start = performance.now()
      const loss = await trainer.trainEpoch(request.epoch, running.onProgress, running.stopped)
      return { loss, seconds: (performance.now() - start) / 1000 }
    }
    case 'predict':
      return trainer.predict(request.rows)
    case 'state':
      return trainer.state()
    case 'load':
      trainer.load(request.state)
      return undefined
  }
}

function buffersOf(answer: Answer): ArrayBuffer[] {
  if (answer instanceof Float32Array) return [answer.buffer as ArrayBuffer]
  if (answer === undefined || !('weights' in answer)) return []
  return [answer.weights, ...answer.moments].map(array => array.buffer as ArrayBuffer)
}
