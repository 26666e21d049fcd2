import type { Stats } from 'node:fs'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { HedError } from '../base/errors.js'

const STICKY = 0o1000
const WRITABLE_BY_ALL = 0o002

/**
 * Nobody but this user and root can put another folder in the place of this one: each folder above it, and each link on the
 * way, belongs to one of the two, and where all may write, names are their owners' alone (the sticky bit, as in /tmp).
 *
 * @param path absolute; it and the last folders on the way may be missing
 * @throws HedError USAGE naming the first that is not so
 */
export async function requireSafeParents(path: string): Promise<void> {
  const trusted = await trustedOwners()
  const require = async (folder: string) => {
    for (const at of ancestors(folder)) {
      const found = await lstat(at).catch(() => undefined)
      if (!found) return // whoever makes the folder says why
      const why = faultOf(found, trusted)
      if (why !== undefined)
        throw new HedError('USAGE', `${path}: ${at} above it ${why}`, {
          hint: 'Set TMP_ROOT to a folder below /tmp or one of yours.',
        })
    }
  }
  await require(dirname(path))
  const real = await realOf(dirname(path))
  if (real !== dirname(path)) await require(real)
}

function faultOf(found: Stats, trusted: ReadonlySet<number>): string | undefined {
  if (!trusted.has(found.uid)) return `belongs to user ${found.uid}, want root or this user`
  const isOpen = found.isDirectory() && (found.mode & WRITABLE_BY_ALL) !== 0
  return isOpen && (found.mode & STICKY) === 0
    ? `has mode ${(found.mode & 0o7777).toString(8)}: others may replace what is in it`
    : undefined
}

/** From the root on. */
function ancestors(folder: string): string[] {
  const up = dirname(folder)
  return up === folder ? [folder] : [...ancestors(up), folder]
}

/** Without links, as far as it is there. */
async function realOf(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined)
    if (real !== undefined) return real
  }
}

/** In a user namespace, that of a container, root's own files may seem to be those of nobody. */
async function trustedOwners(): Promise<ReadonlySet<number>> {
  const read = (file: string) => readFile(file, 'utf8').catch(() => '')
  const map = await read('/proc/self/uid_map')
  const isAll = map === '' || /^\s*0\s+0\s+4294967295\s*$/.test(map)
  const nobody = isAll ? [] : [Number(await read('/proc/sys/kernel/overflowuid'))]
  return new Set([0, userInfo().uid, ...nobody])
}
