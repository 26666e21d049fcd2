import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../base/errors.js'
import { requireBuiltIn } from '../losses.js'
import type { Backend } from '../trainer.js'
import { describePackage, findPackages, type TfjsKind } from './tfjs-load.js'
import { newThreadTrainer } from './trainer-thread.js'

/** How long a device may take to its first result, in ms: a new GPU's kernels may be compiled first. */
const PROBE_MS = 60_000

/** TensorFlow.js in a worker thread, where its packages are installed: they are no dependencies of ours. */
export function tfjs(kind: TfjsKind): Backend {
  return {
    name: `tfjs:${kind}`,
    unavailable: async () => {
      try {
        findPackages(kind)
      } catch (error) {
        return messageOf(error)
      }
      return probe(kind)
    },
    library: () => Promise.resolve(describePackage(kind)),
    create: async (options, state) => {
      requireBuiltIn(options.loss, 'tfjs')
      // TensorFlow reads these once, from the environment of the process: that of a thread is another
      process.env['TF_NUM_INTRAOP_THREADS'] = String(options.threads)
      process.env['TF_NUM_INTEROP_THREADS'] = '1'
      process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true' // else the first on a GPU takes all its memory
      return newThreadTrainer(new URL('./tfjs-worker.js', import.meta.url), options, state, kind)
    },
  }
}

/** @returns undefined, or one line: why it cannot be used here */
function probe(kind: TfjsKind): Promise<string | undefined> {
  const script = fileURLToPath(new URL('./tfjs-probe.js', import.meta.url))
  return new Promise(resolve => {
    execFile(process.execPath, [script, kind], { timeout: PROBE_MS }, (error, stdout, stderr) => {
      const last = (stdout.trim() || stderr.trim()).split('\n').at(-1)!
      if (!error) resolve(undefined)
      else if (error.killed) resolve(`no result within ${PROBE_MS / 1000} s`)
      else if (error.signal) resolve(`ended by ${error.signal}: ${last}`)
      else resolve(last || `ended with status ${error.code}`)
    })
  })
}
