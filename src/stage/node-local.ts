import { randomBytes } from 'node:crypto'
import { access, constants, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { userInfo } from 'node:os'
import { codeOf, HedError } from '../base/errors.js'
import { sha256 } from '../base/digest.js'

/**
 * A directory that only this user can enter: made 0700, or found so. A link, a foreign owner or a wider
 * mode is refused: on a shared /tmp anybody may have put it there.
 *
 * @throws HedError USAGE
 */
export async function privateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw cannotBeMade(path, error)
  }
  await requirePrivate(path)
}

/**
 * Would `privateDirectory` take this TMP_ROOT? Makes nothing: asked before an EXP is made.
 * @throws HedError USAGE
 */
export async function requireTmpRoot(path: string): Promise<void> {
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

async function requirePrivate(path: string): Promise<void> {
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
  const work = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`
  await privateDirectory(work)
  try {
    await fill(work)
    const aside = `${work}-old`
    await rename(target, aside).catch(ignoreMissing)
    await rename(work, target)
    await rm(aside, { recursive: true, force: true })
  } catch (error) {
    await rm(work, { recursive: true, force: true })
    // two EXPs may stage the same data at once: the one that came first has done it for both
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '') && (await holds(target, verify)))
      return 'found'
    throw error
  }
  return 'staged'
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
