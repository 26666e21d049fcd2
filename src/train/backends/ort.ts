import { Worker } from 'node:worker_threads'
import { messageOf } from '../../base/errors.js'
import type { Backend, State, Trainer } from '../trainer.js'
import type { Request, Trained } from './ort-worker.js'
import { newThread, type Thread } from './thread.js'

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
    const thread = newThread<Request>(new Worker(new URL('./ort-worker.js', import.meta.url)))
    try {
      await thread.ask({ type: 'create', options, state, stop })
    } catch (error) {
      await thread.close()
      throw error
    }
    return newTrainer(thread, stop)
  },
}

function newTrainer(thread: Thread<Request>, stop: Int32Array): Trainer {
  return {
    trainEpoch: async ({ onProgress, signal, ...epoch }) => {
      if (signal?.aborted) throw stopped()
      Atomics.store(stop, 0, 0)
      const onAbort = () => Atomics.store(stop, 0, 1)
      signal?.addEventListener('abort', onAbort)
      try {
        const answer = await thread.ask({ type: 'epoch', epoch }, onProgress)
        const { loss, seconds } = answer as Trained
        if (loss === undefined) throw stopped()
        return { loss, seconds }
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    predict: async rows => (await thread.ask({ type: 'predict', rows })) as Float32Array,
    state: async () => (await thread.ask({ type: 'state' })) as State,
    load: async state => {
      await thread.ask({ type: 'load', state })
    },
    close: () => thread.close(),
  }
}

function stopped(): DOMException {
  return new DOMException('stopped within an epoch', 'AbortError')
}
