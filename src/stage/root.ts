import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { naming } from '../base/files.js'

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants

/** A folder that stays the same one, whatever its name becomes. */
export interface Root {
  readonly path: string
  /** The path to use: through the open folder where the system can. */
  readonly fixed: string
  close(): Promise<void>
}

/** @throws if it is no folder, or a link to one */
export async function openRoot(path: string): Promise<Root> {
  const folder = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  const through = `/proc/self/fd/${folder.fd}`
  const there = await lstat(dirname(through)).then(
    () => true,
    () => false,
  )
  return { path, fixed: there ? through : path, close: () => folder.close() }
}

/** Not ours, and where something of ours should be. @returns what to throw: a fault of the system as it is */
export function inTheWay(path: string, cause?: unknown): unknown {
  const code = codeOf(cause)
  if (cause !== undefined && !['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code ?? ''))
    return naming(path, cause)
  return new HedError('USAGE', `${path}: something else is in the way`, {
    hint: 'Remove it, or stage to another folder.',
    cause,
  })
}
