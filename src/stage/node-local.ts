import { randomBytes } from 'node:crypto'
import { access, constants, lstat, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { userInfo } from 'node:os'
import { codeOf, HedError } from '../base/errors.js'
import { sha256 } from '../base/digest.js'
import { makeFolders } from '../base/folders.js'
import { ownMark } from '../base/mark.js'
import { oneAtATime } from './one-at-a-time.js'
import { removeTree } from './remove-tree.js'
import { requireSafeParents } from './safe-parents.js'

/**
 * A directory that only this user can enter: made 0700, or found so. A link, a foreign owner or a wider
 * mode is refused: on a shared /tmp anybody may have put it there.
 *
 * @throws HedError USAGE
 */
export async function privateDirectory(path: string): Promise<void> {
  try {
    makeFolders(path, 0o700)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw cannotBeMade(path, error)
  }
  await requirePrivate(path)
}

/** TMP_ROOT, made if it is not there. @throws HedError USAGE also where others could put another in its place */
export async function makeTmpRoot(path: string): Promise<void> {
  await requireSafeParents(path)
  await privateDirectory(path)
}

/**
 * Would `makeTmpRoot` take this TMP_ROOT? Makes nothing: asked before an EXP is made.
 * @throws HedError USAGE
 */
export async function requireTmpRoot(path: string): Promise<void> {
  await requireSafeParents(path)
  let there = path
  while (!(await isThere(there))) there = dirname(there)
  if (there === path) return requirePrivate(path)
  try {
    await access(`${there}/.`, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw cannotBeMade(path, error)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return false
    throw cannotBeMade(path, error)
  }
}

function cannotBeMade(path: string, error: unknown): HedError {
  return new HedError('USAGE', `${path}: cannot be made: ${codeOf(error) ?? String(error)}`, {
    hint: 'Set TMP_ROOT to a writable folder on a node-local disk.',
    cause: error,
  })
}

/** It is there, and this user's alone. @throws HedError USAGE, or what lstat says */
export async function requirePrivate(path: string): Promise<void> {
  const found = await lstat(path)
  const why = found.isSymbolicLink()
    ? 'is a symbolic link'
    : !found.isDirectory()
      ? 'is not a directory'
      : found.uid !== userInfo().uid
        ? `belongs to user ${found.uid}`
        : (found.mode & 0o077) !== 0
          ? `has mode ${(found.mode & 0o777).toString(8)}`
          : undefined
  if (why !== undefined)
    throw new HedError('USAGE', `${path}: ${why}, want a directory of this user with mode 700`, {
      hint: 'Remove it, or set TMP_ROOT to another place.',
    })
}

/** Where the node-local form of one data set lies: named by its digest and by who turned it. */
export function stagedPath(
  tmpRoot: string,
  digest: string,
  workflow: { readonly name: string; readonly stageVersion: number },
): string {
  const name = sha256(`${digest}/${workflow.name}/${workflow.stageVersion}`).slice(0, 16)
  return join(tmpRoot, `data-${name}`)
}

/**
 * Fill `target` once: with what is there and verifies, nothing is done; else `fill` works in a
 * directory beside it, which is renamed when it is whole.
 */
export async function stageOnce(
  target: string,
  verify: (directory: string) => Promise<void>,
  fill: (directory: string) => Promise<void>,
): Promise<'found' | 'staged'> {
  if (await holds(target, verify)) return 'found'
  const work = `${target}.${ownMark()}-${randomBytes(4).toString('hex')}`
  await privateDirectory(work)
  try {
    await fill(work)
    return await publish(work, target, verify)
  } finally {
    await removeTree(work)
  }
}

/**
 * Give `work` the name `target`. Two may stage the same at once: the one that comes first has done it for both, and
 * its tree stays where it is, since somebody may have begun to work in it. Only one at a time takes a spoilt tree away.
 */
async function publish(
  work: string,
  target: string,
  verify: (directory: string) => Promise<void>,
): Promise<'found' | 'staged'> {
  if (await renameToFree(work, target)) return 'staged'
  if (await holds(target, verify)) return 'found'
  return oneAtATime(`${target}.swap`, async () => {
    if (await holds(target, verify)) return 'found'
    const aside = `${work}-old`
    await rename(target, aside).catch(ignoreMissing)
    await removeTree(aside)
    return (await renameToFree(work, target)) ? 'staged' : 'found'
  })
}

/** @returns false where another was there first */
async function renameToFree(work: string, target: string): Promise<boolean> {
  try {
    await rename(work, target)
    return true
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
    return false
  }
}

async function holds(
  target: string,
  verify: (directory: string) => Promise<void>,
): Promise<boolean> {
  try {
    await privateIfThere(target)
    await verify(target)
    return true
  } catch (error) {
    if (error instanceof HedError && error.kind === 'USAGE') throw error
    return false
  }
}

async function privateIfThere(path: string): Promise<void> {
  await lstat(path) // ENOENT: not there
  await privateDirectory(path)
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}
