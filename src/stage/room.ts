import { statfs } from 'node:fs/promises'
import { HedError } from '../base/errors.js'
import type { Entry } from './manifest.js'

/** Before anything is sent. @throws HedError USAGE if there is not enough room for these entries */
export async function requireRoom(folder: string, entries: readonly Entry[]): Promise<void> {
  const { bavail, bsize, ffree, files } = await statfs(folder)
  const needed = entries.reduce((sum, { size }) => sum + Math.ceil(size / bsize) * bsize, 0)
  const free = bavail * bsize
  if (needed > free)
    throw new HedError('USAGE', `${folder}: has room for ${mb(free)}, want ${mb(needed)}`, {
      hint: 'Make room, or stage to another disk.',
    })
  // some file systems count no files
  if (files > 0 && entries.length > ffree)
    throw new HedError('USAGE', `${folder}: has room for ${ffree} files, want ${entries.length}`, {
      hint: 'Make room, or stage to another disk.',
    })
}

/** `1,234 MB` */
export function mb(bytes: number): string {
  return bytes < 1e7 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`
}
