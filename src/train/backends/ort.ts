import { messageOf } from '../../base/errors.js'
import type { Backend } from '../trainer.js'
import { newThreadTrainer } from './trainer-thread.js'

/** onnxruntime-node on the CPU, in a worker thread. Works after a plain install. */
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
  library: async () => `onnxruntime ${(await import('onnxruntime-node')).env.versions.node ?? '?'}`,
  create: (options, state) =>
    newThreadTrainer(new URL('./ort-worker.js', import.meta.url), options, state),
}
