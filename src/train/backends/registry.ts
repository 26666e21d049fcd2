import { HedError } from '../../base/errors.js'
import type { Backend } from '../trainer.js'

/** Every way to do the arithmetic, the fastest first. Each is loaded when it is asked for. */
const BACKENDS: Readonly<Record<string, () => Promise<Backend>>> = {
  ort: async () => (await import('./ort.js')).ort,
}

/**
 * The backend by name, or with `auto` the first that loads here.
 * @returns also why it was chosen, one line for the log and exp.json
 * @throws HedError USAGE naming those that exist
 */
export async function chooseBackend(
  wanted: string,
): Promise<{ readonly backend: Backend; readonly why: string }> {
  const names = Object.keys(BACKENDS)
  const candidates = wanted === 'auto' ? names : names.filter(name => name === wanted)
  const refusals: string[] = []
  for (const name of candidates) {
    const backend = await BACKENDS[name]!()
    const why = await backend.unavailable()
    if (why === undefined) {
      const reason = wanted === 'auto' ? 'the fastest that loads here' : 'asked for'
      return { backend, why: [`${name}: ${reason}`, ...refusals].join('; ') }
    }
    refusals.push(`${name} does not load: ${why}`)
  }
  throw new HedError(
    'USAGE',
    `BACKEND=${wanted}: ${refusals.join('; ') || 'no such backend'}, want auto or ${names.join(', ')}`,
    { hint: 'Set BACKEND=auto.' },
  )
}
