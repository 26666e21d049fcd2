/** Well below what an executor has in hand of tiny RUNs, and below what anybody waits for. */
const REST_MS = 1

const NEVER = new Int32Array(new SharedArrayBuffer(4))

/**
 * Stand still for a moment after this turn of the event loop. Whoever is told much by several processes on few cores
 * is better told seldom: to be woken for each word costs more than the words.
 */
export function newRest(): () => void {
  let soon: NodeJS.Immediate | undefined
  return () => {
    soon ??= setImmediate(() => {
      soon = undefined
      Atomics.wait(NEVER, 0, 0, REST_MS)
    })
  }
}
