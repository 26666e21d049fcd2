import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { linkFault, pathFault, type Entry } from './manifest.js'

/** An entry, and where its bytes are. */
export interface Found {
  readonly entry: Entry
  readonly from: string
  readonly stats: Stats
}

/**
 * Everything at and below some paths; each stands under its last name, as with `cp -r`. Links are kept as links.
 *
 * @throws HedError USAGE for what is not there, cannot be read, or is neither file nor folder, and for a link that leads out
 */
export async function scanPaths(paths: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  const names = new Map<string, string>()
  for (const path of paths) {
    const name = basename(resolve(path))
    const other = names.get(name)
    if (other !== undefined)
      throw new HedError('USAGE', `${other} and ${path} have the same name, ${name}`, {
        hint: 'Stage them to different folders.',
      })
    names.set(name, path)
    const fault = pathFault(name)
    if (fault !== undefined)
      throw new HedError('USAGE', `${path}: ${JSON.stringify(name)} ${fault}`)
    await scan(path, name, found)
  }
  return found
}

/** Everything in a folder, named from there. */
export async function scanFolder(folder: string): Promise<Found[]> {
  const found: Found[] = []
  for (const name of (await readdir(folder)).sort()) await scan(join(folder, name), name, found)
  return found
}

async function scan(from: string, path: string, found: Found[]): Promise<void> {
  const stats = await lstat(from).catch((error: unknown) => {
    const code = codeOf(error)
    throw new HedError('USAGE', `${from}: ${code === 'ENOENT' ? 'no such file' : String(code)}`, {
      hint: 'Give the path of a file or folder that this user may read.',
      cause: error,
    })
  })
  const entry = { path, size: 0, mode: stats.mode & 0o777, mtime: stats.mtimeMs }
  if (stats.isFile())
    found.push({ from, stats, entry: { ...entry, kind: 'file', size: stats.size } })
  else if (stats.isDirectory()) {
    found.push({ from, stats, entry: { ...entry, kind: 'folder' } })
    const names = await readdir(from).catch((error: unknown) => {
      throw new HedError('USAGE', `${from}: cannot be read: ${codeOf(error) ?? '?'}`, {
        cause: error,
      })
    })
    for (const name of names.sort()) await scan(join(from, name), `${path}/${name}`, found)
  } else if (stats.isSymbolicLink()) {
    const target = await readlink(from)
    const fault = linkFault(path, target)
    if (fault !== undefined)
      throw new HedError('USAGE', `${from}: ${fault}`, {
        hint: 'Replace it by what it points to, or leave it out.',
      })
    found.push({ from, stats, entry: { ...entry, kind: 'link', target } })
  } else
    throw new HedError('USAGE', `${from}: is neither a file nor a folder nor a link`, {
      hint: 'Leave it out.',
    })
}
