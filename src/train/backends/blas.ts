import { messageOf } from '../../base/errors.js'
import type { Backend } from '../trainer.js'
import type { LibraryName } from './blas-library.js'
import { newThreadTrainer } from './trainer-thread.js'

/**
 * The training step written out by us, in a worker thread and THREADS − 1 more: matrix products by a native
 * library that is found at run time, everything between them in the WASM kernel.
 *
 * The library is part of the name, as it decides the bytes: an EXP goes on with the one it began with.
 */
export function blas(library: LibraryName): Backend {
  return {
    name: `blas:${library}`,
    unavailable: async () => {
      try {
        const { openLibrary } = await import('./blas-library.js')
        openLibrary(library)
        return undefined
      } catch (error) {
        return messageOf(error).split('\n')[0]
      }
    },
    library: async () => {
      const { openLibrary } = await import('./blas-library.js')
      const opened = openLibrary(library)
      return `${opened.version()} (${opened.file})`
    },
    create: (options, state) =>
      newThreadTrainer(new URL('./blas-worker.js', import.meta.url), options, state, library),
  }
}
