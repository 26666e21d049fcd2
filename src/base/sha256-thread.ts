import { Worker } from 'node:worker_threads'
import { newCalls } from './calls.js'

/** SHA-256 of bytes that somebody else reads, on a thread of its own. */
export interface Sha256Thread {
  /** The next bytes of the memory. Resolves when they are no longer needed. */
  add(at: number, length: number): Promise<void>
  /** Lower-case hex; the thread ends. */
  digest(): Promise<string>
  close(): void
}

/** Bytes of the memory from `at` on, or the end. */
export type Sha256Request = { readonly at: number; readonly length: number } | 'end'

/** At 1.5 GB/s it would hold up whoever reads and writes the same bytes. @param memory in which they come to lie */
export function sha256Thread(memory: SharedArrayBuffer): Sha256Thread {
  const worker = new Worker(new URL('./sha256-worker.js', import.meta.url), { workerData: memory })
  const calls = newCalls<string>()
  worker.on('message', calls.resolve)
  worker.on('error', calls.end)
  worker.on('exit', () => calls.end(new Error('the thread of the digest has ended')))
  const ask = (request: Sha256Request) => calls.ask(() => worker.postMessage(request))
  return {
    add: (at, length) => ask({ at, length }).then(() => undefined),
    digest: () => ask('end'),
    close: () => void worker.terminate(),
  }
}
