import { HedError } from '../../base/errors.js'
import type { Backend } from '../trainer.js'

/** Every way to do the arithmetic, the fastest first. Each is loaded when it is asked for. */
const BACKENDS: ReadonlyMap<string, () => Promise<Backend>> = new Map([
  ['blas:onednn', async () => (await import('./blas.js')).blas('onednn')],
  ['blas:mkl', async () => (await import('./blas.js')).blas('mkl')],
  ['blas:openblas', async () => (await import('./blas.js')).blas('openblas')],
  ['blas:blis', async () => (await import('./blas.js')).blas('blis')],
  ['ort', async () => (await import('./ort.js')).ort],
])

/** Names that `chooseBackend` knows, besides `auto`, and `blas` for the first of its libraries. */
export const backendNames: readonly string[] = [...BACKENDS.keys()]

/**
 * The backend of that name, whether or not it loads here.
 * @throws HedError USAGE naming those that exist
 */
export async function backend(name: string): Promise<Backend> {
  const load = BACKENDS.get(name)
  if (!load) throw unusable(name, 'no such backend')
  return load()
}

/**
 * The backend of that name, or with `auto` the first that loads here, with `blas` the first of that kind.
 * @returns also why it was chosen and why others did not load: one line for the log and exp.json
 * @throws HedError USAGE naming those that exist, and why those tried do not load
 */
export async function chooseBackend(
  name: string,
): Promise<{ readonly backend: Backend; readonly why: string }> {
  const refused: string[] = []
  const candidates = backendNames.filter(each => name === 'auto' || each.startsWith(`${name}:`))
  for (const candidate of candidates.length > 0 ? candidates : [name]) {
    const found = await backend(candidate)
    const reason = await found.unavailable()
    if (reason === undefined) {
      const why = name === candidate ? 'asked for' : 'the fastest that loads here'
      return { backend: found, why: [`${candidate}: ${why}`, ...refused].join('; ') }
    }
    refused.push(`${candidate} does not load: ${reason}`)
  }
  throw unusable(name, refused.join('; '))
}

function unusable(name: string, why: string): HedError {
  return new HedError(
    'USAGE',
    `BACKEND is ${JSON.stringify(name)} (${why}), want auto, blas or one of: ${backendNames.join(', ')}`,
    { hint: 'Set BACKEND=auto, or install what is missing.' },
  )
}
