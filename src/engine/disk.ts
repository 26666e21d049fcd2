import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, isDiskFault } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { Stopped } from '../experiment/workflow.js'

/** A disk is asked again after these times, in ms; then it is given up, and in the end the sweep stops in order. */
export const RETRY_MS = [50, 200, 1000, 3000, 10_000]

/** An AbortController: its signal tells to end. */
export type Stop = Pick<AbortController, 'signal'>

const NEVER: Stop = new AbortController()

/** What the leader writes once, at its begin and its end, is worth these. */
export const BRIEFLY_MS = [50, 200, 1000, 3000]

/**
 * Write something, again and again as long as the disk does not take it.
 * @param stop that ends the waiting
 * @param waits ms between tries; 14 s in all unless given
 * @throws Stopped when told to; the last fault after the last try; any fault that is not of the disk at once
 */
export async function patiently<T>(
  write: () => T | Promise<T>,
  stop = NEVER,
  waits: readonly number[] = RETRY_MS,
): Promise<T> {
  for (let fault = 0; ; fault++)
    try {
      return await write()
    } catch (error) {
      const wait = waits[fault]
      const mayPass = isDiskFault(error) || codeOf(error) === 'ETIMEDOUT'
      if (wait === undefined || !mayPass) throw error
      console.log(`${String(error)}; trying again`)
      await sleep(wait, undefined, { signal: stop.signal }).catch(() => {
        throw new Stopped()
      })
    }
}

/** So few more files are worth a word: a disk may be full of files that has room for bytes. */
const FEW_FILES = 1000

/** What is free where these folders are, or shall be: `12 MB in /a, 3400 MB and 0 files in /b`. */
export function roomIn(folders: readonly string[]): string {
  const known = folders.map(folder => {
    let there = folder
    while (!existsSync(there) && there !== dirname(there)) there = dirname(there)
    try {
      const { bavail, bsize, ffree, files } = statfsSync(there)
      const few = files > 0 && ffree < FEW_FILES ? ` and ${plural(ffree, 'file')}` : ''
      return `${Math.floor((bavail * bsize) / 1e6)} MB${few} in ${there}`
    } catch {
      return `unknown in ${there}`
    }
  })
  return [...new Set(known)].join(', ')
}
