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
    const thread = newThread<Request>(new URL('./ort-worker.js', import.meta.url))
    try {
      await thread.ask({ type: 'create', options, state })
    } catch (error) {
      await thread.close()
      throw error
    }
    return newTrainer(thread)
  },
}

function newTrainer(thread: Thread<Request>): Trainer {
  return {
    trainEpoch: async ({ onProgress, signal, ...epoch }) => {
      if (signal?.aborted) throw stopped()
      const answer = thread.ask({ type: 'epoch', epoch }, onProgress)
      const onAbort = () => thread.stop()
      signal?.addEventListener('abort', onAbort)
      try {
        const { loss, seconds } = (await answer) as Trained
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
