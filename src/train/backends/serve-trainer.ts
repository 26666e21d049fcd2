import type { State, TrainerOptions } from '../trainer.js'
import { serve, type Running } from './serve.js'
import type { Request, ServedTrainer, Trained } from './trainer-thread.js'

type Answer = Trained | State | Float32Array | undefined

/** The thread in which a backend computes: its products block their caller, and the executor must stay awake. */
export function serveTrainer(
  create: (options: TrainerOptions, start: State, kind: string) => Promise<ServedTrainer>,
): void {
  let trainer: ServedTrainer | undefined
  const perform = async (request: Request, running: Running): Promise<Answer> => {
    if (request.type === 'create') {
      trainer = await create(request.options, request.state, request.kind)
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
  serve(
    (request, running) => perform(request as Request, running),
    buffersOf,
    () => trainer?.close?.(),
  )
}

function buffersOf(answer: Answer): ArrayBuffer[] {
  if (answer instanceof Float32Array) return [answer.buffer as ArrayBuffer]
  if (answer === undefined || !('weights' in answer)) return []
  return [answer.weights, ...answer.moments].map(array => array.buffer as ArrayBuffer)
}
