import { Worker, type WorkerOptions } from 'node:worker_threads'
import { newCalls } from '../../base/calls.js'

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

/**
 * Start a thread on a script that calls `serve`. It is never terminated from outside while it is busy, not
 * even by the end of the process: that would be met in native code, which aborts the whole process.
 */
export function newThread<Request>(script: string | URL, options?: WorkerOptions): Thread<Request> {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(script, { execArgv: [], ...options, workerData: flags })
  const calls = newCalls<unknown>()
  let tell: ((done: number, total: number) => void) | undefined
  const onProcessExit = () => {
    Atomics.store(flags, STOP, 1)
    Atomics.wait(flags, BUSY, 1, LAST_STEP_MS)
  }
  process.on('exit', onProcessExit)
  const gone = new Promise<void>(resolve => {
    worker.on('exit', status => {
      process.off('exit', onProcessExit)
      calls.end(new Error(`the training thread ended with status ${status}`))
      resolve()
    })
  })
  worker.on('error', calls.end)
  worker.on('message', (reply: Reply) => {
    if (reply.type === 'ok') calls.resolve(reply.value)
    else if (reply.type === 'error') calls.reject(reply.error)
    else if (calls.waiting() > 0) tell?.(reply.done, reply.total)
  })
  const stop = () => {
    Atomics.store(flags, STOP, 1)
  }
  return {
    ask: async (request, onProgress) => {
      if (calls.waiting() > 0) throw new Error('the training thread is busy: one call at a time')
      return calls.ask(() => {
        Atomics.store(flags, STOP, 0)
        Atomics.store(flags, BUSY, 1)
        tell = onProgress
        worker.postMessage(request)
      })
    },
    stop,
    close: () => {
      if (!calls.isOver()) worker.postMessage(undefined)
      calls.end(new Error('the trainer is closed'))
      stop()
      return gone
    },
  }
}
