import { parentPort, workerData, type Transferable } from 'node:worker_threads'
import { BUSY, STOP, type Reply } from './thread.js'

/** What a request may do while it runs. */
export interface Running {
  /** True: end soon. */
  readonly stopped: () => boolean
  readonly onProgress: (done: number, total: number) => void
}

/** Between two reports of progress, in ms. */
const QUIET_MS = 200

/**
 * The thread's side of `newThread`: answer requests one after another until it is closed.
 *
 * @param buffersOf what to move to the other thread instead of copying it
 * @param onClose the last that is done
 */
export function serve<Answer>(
  perform: (request: unknown, running: Running) => Promise<Answer>,
  buffersOf: (answer: Answer) => readonly Transferable[],
  onClose: () => void = () => undefined,
): void {
  const port = parentPort!
  const flags = workerData as Int32Array
  const reply = (message: Reply, transfer: readonly Transferable[] = []) => {
    port.postMessage(message, transfer)
  }
  const answer = async (request: unknown): Promise<void> => {
    let last = performance.now()
    const onProgress = (done: number, total: number) => {
      const now = performance.now()
      if (now - last < QUIET_MS) return
      last = now
      reply({ type: 'progress', done, total })
    }
    try {
      const value = await perform(request, {
        stopped: () => Atomics.load(flags, STOP) !== 0,
        onProgress,
      })
      reply({ type: 'ok', value }, buffersOf(value))
    } catch (error) {
      reply({ type: 'error', error })
    }
    Atomics.store(flags, BUSY, 0)
    Atomics.notify(flags, BUSY)
  }
  const close = () => {
    onClose()
    port.close()
  }
  let running = Promise.resolve()
  port.on('message', (request: unknown) => {
    running = running.then(() => (request === undefined ? close() : answer(request)))
  })
}
