import type { Worker } from 'node:worker_threads'
import type { Reply } from './ort-worker.js'

/** A worker thread that answers one request at a time. */
export interface Thread<Request> {
  /** @throws what the thread answered with; an Error if it has died, dies meanwhile or is busy */
  ask(request: Request, onProgress?: (done: number, total: number) => void): Promise<unknown>
  /** Ends it; a pending request is rejected. */
  close(): Promise<void>
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onProgress: ((done: number, total: number) => void) | undefined
}

export function newThread<Request>(worker: Worker): Thread<Request> {
  let pending: Pending | undefined
  let dead: Error | undefined
  const settle = (): Pending | undefined => {
    const settled = pending
    pending = undefined
    return settled
  }
  const die = (error: Error) => {
    dead ??= error
    settle()?.reject(dead)
  }
  worker.on('message', (reply: Reply) => {
    if (reply.type === 'progress') pending?.onProgress?.(reply.done, reply.total)
    else if (reply.type === 'ok') settle()?.resolve(reply.value)
    else settle()?.reject(reply.error)
  })
  worker.on('error', (error: Error) => die(error))
  worker.on('messageerror', (error: Error) => die(error))
  worker.on('exit', code => die(new Error(`the training thread ended with status ${code}`)))
  return {
    ask: (request, onProgress) =>
      new Promise((resolve, reject) => {
        if (dead) reject(dead)
        else if (pending) reject(new Error('the training thread is busy: one call at a time'))
        else {
          pending = { resolve, reject, onProgress }
          worker.postMessage(request)
        }
      }),
    close: async () => {
      die(new Error('the trainer is closed'))
      await worker.terminate()
    },
  }
}
