import { HedError, messageOf } from '../../base/errors.js'
import { oneLine } from '../../base/lines.js'
import { backend, chooseBackend } from './registry.js'
import { measureSpeed, selfTest } from './self-test.js'

/** What a trial says, in this order, each as soon as it is known. The first `problem` is the last word. */
export type TrialMessage =
  | { readonly type: 'choice'; readonly name: string; readonly why: string }
  | { readonly type: 'loaded' }
  | { readonly type: 'library'; readonly library: string }
  | { readonly type: 'passed' }
  | { readonly type: 'speed'; readonly samplesPerSecond: number }
  | { readonly type: 'problem'; readonly problem: string; readonly hint?: string }

/**
 * A process of its own for each backend, so that a native library that crashes or hangs takes nothing with it.
 * argv: `choose` BACKEND, or `try` BACKEND and THREADS.
 */
const [what, name = '', threads] = process.argv.slice(2)
process.once('disconnect', () => process.exit(0)) // all is said, or nobody listens any more
try {
  if (what === 'choose') await choose()
  else await tryBackend()
} catch (error) {
  if (!(error instanceof HedError)) say({ type: 'problem', problem: oneLine(messageOf(error)) })
  else say({ type: 'problem', problem: error.message, ...(error.hint && { hint: error.hint }) })
}
process.disconnect()

async function choose(): Promise<void> {
  const { backend: chosen, why } = await chooseBackend(name)
  say({ type: 'choice', name: chosen.name, why })
}

async function tryBackend(): Promise<void> {
  const found = await backend(name)
  const reason = await found.unavailable()
  if (reason !== undefined) {
    say({ type: 'problem', problem: oneLine(reason) })
    return
  }
  say({ type: 'loaded' })
  const library = await found.library?.()
  if (library !== undefined) say({ type: 'library', library })
  const wrong = await selfTest(found, Number(threads))
  if (wrong !== undefined) {
    say({ type: 'problem', problem: wrong })
    return
  }
  say({ type: 'passed' })
  say({ type: 'speed', samplesPerSecond: await measureSpeed(found, Number(threads)) })
}

function say(message: TrialMessage): void {
  process.send?.(message)
}
