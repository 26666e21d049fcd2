import { rmSync } from 'node:fs'
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ownMark, stateOf } from '../base/mark.js'
import { privateDirectory } from './node-local.js'

/**
 * Who uses what is staged on this node: TMP_ROOT/users/TREE has an empty file for each process, named by its mark. Its
 * own time is when somebody came or went last.
 */
export function usersFolder(tmpRoot: string, tree: string): string {
  return join(tmpRoot, 'users', tree)
}

/**
 * From now on this process uses a tree. Where it cannot be noted, on a full disk, the tree's last use is recent anyway.
 * @returns what ends it
 */
export async function useTree(tmpRoot: string, tree: string): Promise<() => void> {
  const file = join(usersFolder(tmpRoot, tree), ownMark())
  await privateDirectory(tmpRoot)
    .then(() => mkdir(usersFolder(tmpRoot, tree), { recursive: true, mode: 0o700 }))
    .then(() => writeFile(file, ''))
    .catch(() => undefined)
  return () => {
    try {
      rmSync(file, { force: true })
    } catch {
      // a mark that stays is that of a process that is gone
    }
  }
}

/** It was used just now, by one who does not stay. */
export async function touchTree(tmpRoot: string, tree: string): Promise<void> {
  const folder = usersFolder(tmpRoot, tree)
  const now = new Date()
  await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => utimes(folder, now, now))
    .catch(() => undefined)
}

/** Does a process use it, one perhaps of which nothing can be told from here? Marks of those that are gone are removed. */
export async function isUsed(tmpRoot: string, tree: string): Promise<boolean> {
  const folder = usersFolder(tmpRoot, tree)
  const marks = await readdir(folder).catch(() => [])
  const gone = marks.filter(mark => stateOf(mark) === 'gone')
  for (const mark of gone) await rm(join(folder, mark), { force: true }).catch(() => undefined)
  return gone.length < marks.length
}
