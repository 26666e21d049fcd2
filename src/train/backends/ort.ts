import { Worker } from 'node:worker_threads'
import { messageOf } from '../../base/errors.js'
import type { Backend, EpochOptions, State, Trainer } from '../trainer.js'
import type { Reply, Request, WorkerStart } from './ort-worker.js'

/** onnxruntime-node on the CPU, in a worker thread. The default: works after a plain install. */
export const ort: Backend = {
  name: 'ort',
  unavailable: async () => {
    try {
      await import('onnxruntime-node')
      return undefined
    } catch (error) {
      return messageOf(error).split('\n')[0]
    }
  },
  create: async (options, state) => {
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const start: WorkerStart = { options, state, stop }
    const worker = new Worker(new URL('./ort-worker.js', import.meta.url), { workerData: start })
    return trainer(worker, stop)
  },
}

async function trainer(worker: Worker, stop: Int32Array): Promise<Trainer> {
  let pending:
    | {
        resolve: (value: unknown) => void
        reject: (error: Error) => void
        onProgress?: EpochOptions['onProgress'] | undefined
      }
    | undefined
  let dead: Error | undefined
  const settle = () => {
    const p = pending
    pending = undefined
    return p
  }
  worker.on('message', (reply: Reply) => {
    if (reply.type === 'progress') pending?.onProgress?.(reply.done, reply.total)
    else if (reply.type === 'ok') settle()?.resolve(reply.value)
    else settle()?.reject(reply.error)
  })
  worker.on('error', error => {
    dead = error
    settle()?.reject(error)
  })
  worker.on('exit', code => {
    dead ??= new Error(`the training thread ended with ${code}`)
    settle()?.reject(dead)
  })
  const wait = <T>(onProgress?: EpochOptions['onProgress']) =>
    new Promise<T>((resolve, reject) => {
      if (dead) reject(dead)
      else if (pending) reject(new Error('one call at a time'))
      else pending = { resolve: resolve as (value: unknown) => void, reject, onProgress }
    })
  const ask = <T>(request: Request, onProgress?: EpochOptions['onProgress']) => {
    const answer = wait<T>(onProgress)
    worker.postMessage(request)
    return answer
  }
  await wait<undefined>()

  return {
    trainEpoch: async ({ onProgress, signal, ...epoch }) => {
      signal?.throwIfAborted()
      const begun = performance.now()
      Atomics.store(stop, 0, 0)
      const onAbort = () => Atomics.store(stop, 0, 1)
      signal?.addEventListener('abort', onAbort)
      try {
        const loss = await ask<number | undefined>({ op: 'epoch', epoch }, onProgress)
        if (loss === undefined) throw new DOMException('stopped within an epoch', 'AbortError')
        return { loss, seconds: (performance.now() - begun) / 1000 }
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    predict: rows => ask<Float32Array>({ op: 'predict', rows }),
    state: () => ask<State>({ op: 'state' }),
    load: async state => {
      await ask({ op: 'load', state })
    },
    close: async () => {
      dead = new Error('closed')
      await worker.terminate()
    },
  }
}
