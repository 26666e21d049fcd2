import { Worker, type WorkerOptions } from 'node:worker_threads'

/** A worker thread that answers one request at a time. */
export interface Thread<Request> {
  /** @throws what the thread answered with; an Error if it has died, dies meanwhile or is busy */
  ask(request: Request, onProgress?: (done: number, total: number) => void): Promise<unknown>
  /** Asks the running request to end early. */
  stop(): void
  /** Ends the thread: a pending call is rejected at once, the promise waits for its end. */
  close(): Promise<void>
}

/** One `ok` or `error` for each request; `progress` before it. */
export type Reply =
  | { readonly type: 'ok'; readonly value: unknown }
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }

/** Places in the shared Int32Array that is the thread's workerData. */
export const STOP = 0 // not 0: end the running request soon
export const BUSY = 1 // 1 from the request to its reply, which notifies

/** How long the end of the process waits for the thread, in ms: longer than any step. */
const LAST_STEP_MS = 10_000

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly onProgress: ((done: number, total: number) => void) | undefined
}

/**
 * Start a thread on a script that calls `serve`. It is never terminated from outside while it is busy, not
 * even by the end of the process: that would be met in native code, which aborts the whole process.
 */
export function newThread<Request>(script: string | URL, options?: WorkerOptions): Thread<Request> {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(script, { execArgv: [], ...options, workerData: flags })
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
  const onProcessExit = () => {
    Atomics.store(flags, STOP, 1)
    Atomics.wait(flags, BUSY, 1, LAST_STEP_MS)
  }
  process.on('exit', onProcessExit)
  const gone = new Promise<void>(resolve => {
    worker.on('exit', status => {
      process.off('exit', onProcessExit)
      die(new Error(`the training thread ended with status ${status}`))
      resolve()
    })
  })
  worker.on('error', (error: Error) => die(error))
  worker.on('message', (reply: Reply) => {
    if (reply.type === 'progress') pending?.onProgress?.(reply.done, reply.total)
    else if (reply.type === 'ok') settle()?.resolve(reply.value)
    else settle()?.reject(reply.error)
  })
  const stop = () => {
    Atomics.store(flags, STOP, 1)
  }
  return {
    ask: (request, onProgress) =>
      new Promise((resolve, reject) => {
        if (dead) reject(dead)
        else if (pending) reject(new Error('the training thread is busy: one call at a time'))
        else {
          Atomics.store(flags, STOP, 0)
          Atomics.store(flags, BUSY, 1)
          pending = { resolve, reject, onProgress }
          worker.postMessage(request)
        }
      }),
    stop,
    close: () => {
      if (!dead) worker.postMessage(undefined)
      die(new Error('the trainer is closed'))
      stop()
      return gone
    },
  }
}
