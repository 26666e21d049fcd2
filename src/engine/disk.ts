import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../base/errors.js'
import { Stopped } from '../experiment/workflow.js'

/** What a file system says that has no room, no health or no right to be written. It may come back. */
const PASSING: ReadonlySet<string | undefined> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ESTALE', 'ETIMEDOUT'],
])

/** The leader's journal asks again after these times, in ms; then it gives up, and the sweep stops in order. */
export const RETRY_MS = [50, 200, 1000, 3000, 10_000]

const NEVER = new AbortController().signal

/** What the leader writes once, at its begin and its end, is worth these. */
export const BRIEFLY_MS = [50, 200, 1000, 3000]

/** An attempt waits longer than that: a RUN must not fail because the leader has yet to find the disk gone. */
const PATIENT_MS = [...RETRY_MS, 15_000, 30_000]

/**
 * Write something, again and again as long as the disk does not take it.
 * @param signal that ends the waiting
 * @param waits ms between tries; a minute in all unless given
 * @throws Stopped on that signal; the last fault after the last try; any fault that is not of the disk at once
 */
export async function patiently<T>(
  write: () => T | Promise<T>,
  signal = NEVER,
  waits: readonly number[] = PATIENT_MS,
): Promise<T> {
  for (let fault = 0; ; fault++)
    try {
      return await write()
    } catch (error) {
      const wait = waits[fault]
      if (wait === undefined || !PASSING.has(codeOf(error))) throw error
      console.log(`${String(error)}; trying again`)
      await sleep(wait, undefined, { signal }).catch(() => {
        throw new Stopped()
      })
    }
}
