import { lstat, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { codeOf } from '../base/errors.js'
import { ownMark, stateOf } from '../base/mark.js'
import { OWN } from './manifest.js'
import { requirePrivate } from './node-local.js'
import { removeTree } from './remove-tree.js'
import { isUsed, usersFolder } from './users.js'

/** What nobody has used for so long goes: longer than any job of a batch site runs. */
const IDLE_DAYS = 7
const DAY_MS = 24 * 60 * 60 * 1000

/** `data-…` and `env-…`, whole. */
const TREE = /^(?:data|env)-[0-9a-f]{16}$/
/** … being filled, put aside or removed. */
const WORK = /^(?:data|env)-[0-9a-f]{16}\./
/** Folder of an EXP: what its attempts have written. */
const EXP = /^EXP\d{3,}-[0-9a-f]{8}$/

/**
 * Remove from this node what sweeps have left that are over: files of processes that are gone, also of those that were
 * killed, and trees that nobody has used for a week. What anybody uses stays, and so does what is not ours. Faults
 * are no reason to stop.
 *
 * @param now ms since 1970
 */
export async function tidyNode(tmpRoot: string, now = Date.now()): Promise<void> {
  try {
    await requirePrivate(tmpRoot) // nobody else has put anything into it
  } catch {
    return
  }
  for (const name of await readdir(tmpRoot).catch(() => []))
    await quietly(() => tidy(tmpRoot, name, now)) // others may tidy at the same time
}

/** Remove half files that stagings have left which were killed. @param now ms since 1970 */
export async function tidyParts(folder: string, now = Date.now()): Promise<void> {
  const own = join(folder, OWN)
  for (const name of await readdir(own).catch(() => []))
    if (name.startsWith('part-')) await quietly(() => removeIfDead(join(own, name), name, now))
}

async function removeIfDead(path: string, name: string, now: number): Promise<void> {
  if ((stateOf(name) ?? (await isIdle(path, now))) === 'gone') await removeTree(path)
}

async function tidy(tmpRoot: string, name: string, now: number): Promise<void> {
  const path = join(tmpRoot, name)
  if (EXP.test(name)) await tidyExp(path, now)
  else if (WORK.test(name)) await removeIfDead(path, name, now)
  else if (TREE.test(name)) await tidyTree(tmpRoot, name, now)
  else if (name === 'status') await tidySockets(path)
}

async function tidyExp(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) await removeIfDead(join(folder, name), name, now)
  await rmdir(folder).catch(() => undefined) // somebody is at work in it
}

async function tidyTree(tmpRoot: string, name: string, now: number): Promise<void> {
  const path = join(tmpRoot, name)
  const users = usersFolder(tmpRoot, name)
  if ((await isIdle(path, now, users)) !== 'gone' || (await isUsed(tmpRoot, name))) return
  // away in one step: whoever comes now finds it whole or not at all
  const aside = `${path}.${ownMark()}-idle`
  await rename(path, aside)
  if (await isUsed(tmpRoot, name)) {
    await rename(aside, path).catch(() => removeTree(aside)) // there is another by now
    return
  }
  await removeTree(aside)
  await rmdir(users).catch(() => undefined)
}

/** `gone` where nobody has come or left for a week. */
async function isIdle(path: string, now: number, users = path): Promise<'gone' | 'lives'> {
  const found = await stat(users).catch(() => lstat(path))
  const last = Math.max(found.mtimeMs, found.ctimeMs)
  return now - last > IDLE_DAYS * DAY_MS ? 'gone' : 'lives'
}

/** Sockets of leaders that were killed: nobody answers there. */
async function tidySockets(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const answer = await new Promise<string>(resolve => {
      const socket = connect(path, () => {
        socket.destroy()
        resolve('')
      })
      socket.on('error', error => resolve(codeOf(error) ?? ''))
    })
    if (answer === 'ECONNREFUSED') await rm(path, { force: true })
  }
}

async function quietly(work: () => Promise<void>): Promise<void> {
  await work().catch(() => undefined)
}
