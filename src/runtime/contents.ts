import * as fs from 'node:fs'
import { HedError } from '../base/errors.js'

/** A file, folder or link of an image. Names may be any bytes: they are kept as Latin-1. */
export interface Entry {
  readonly path: string
  readonly type: 'file' | 'folder' | 'link'
  /** Bytes; of a link the length of what it says; 0 for a folder. */
  readonly size: number
  /** Seconds since 1970, whole. */
  readonly mtime: number
  /** Bytes that it takes on a disk with blocks of 4 KiB; 0 for a further name of a file. */
  readonly disk: number
}

const BLOCK = 4096
/** The list of its files, at the top of an unpacked image; not part of the next image made of it. */
export const LIST_NAME = '.upf-heds-files'

/**
 * Everything below a folder, in the order of its bytes; links are not followed.
 * @param names of the folder to look at, or all
 * @throws HedError USAGE where something is neither file, folder nor link
 */
export function contentsOf(folder: string, names = topNames(folder)): Entry[] {
  const entries: Entry[] = []
  const seen = new Set<string>()
  const look = (path: string) => {
    const stat = fs.lstatSync(bytes(`${folder}/${path}`))
    const mtime = Math.floor(stat.mtimeMs / 1000)
    if (stat.isDirectory()) {
      entries.push({ path, type: 'folder', size: 0, mtime, disk: BLOCK })
      for (const name of namesIn(`${folder}/${path}`)) look(`${path}/${name}`)
      return
    }
    const type = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : undefined
    if (type === undefined)
      throw new HedError('USAGE', `${folder}/${path}: want files, folders and links alone`, {
        hint: 'Remove it: sockets, pipes and devices cannot be packed.',
      })
    const node = `${stat.dev}/${stat.ino}`
    const again = stat.nlink > 1 && seen.has(node)
    seen.add(node)
    const disk = again ? 0 : Math.ceil(stat.size / BLOCK) * BLOCK
    entries.push({ path, type, size: stat.size, mtime, disk })
  }
  for (const name of names) look(name)
  return entries
}

/** Names at the top of a folder that are packed. @throws HedError USAGE if it is no folder, or empty */
export function topNames(folder: string): string[] {
  const found = fs.statSync(folder, { throwIfNoEntry: false })
  if (!found?.isDirectory())
    throw new HedError('USAGE', `${folder}: ${found ? 'is no folder' : 'no such folder'}`, {
      hint: 'Give the folder to pack.',
    })
  const names = namesIn(folder).filter(name => name !== LIST_NAME)
  if (names.length > 0) return names
  throw new HedError('USAGE', `${folder}: is empty, want something to pack`)
}

/** Of a latin1 string. */
export function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}

function namesIn(folder: string): string[] {
  return fs.readdirSync(bytes(folder), { encoding: 'latin1' }).sort()
}

/** The list as it is kept: the digest, then an entry after another, each ended by a NUL. */
export function listText(digest: string, entries: readonly Entry[]): Buffer {
  const lines = entries.map(
    ({ path, type, size, mtime }) => `${type} ${size} ${type === 'file' ? mtime : 0} ${path}\0`,
  )
  return bytes(`sha256:${digest}\n${lines.join('')}`)
}

/**
 * Is an unpacked image as it was: all of the list there, each with its size and time? What else is there, such as
 * compiled Python, does no harm.
 * @returns the first that is not; undefined if all is well
 */
export function changedSince(folder: string, digest: string): string | undefined {
  const text = fs.readFileSync(`${folder}/${LIST_NAME}`, 'latin1')
  const head = `sha256:${digest}\n`
  if (!text.startsWith(head)) return LIST_NAME
  for (const line of text.slice(head.length).split('\0')) {
    if (line === '') continue
    const [type, size, mtime] = line.split(' ', 3)
    const path = line.slice(`${type} ${size} ${mtime} `.length)
    const stat = fs.lstatSync(bytes(`${folder}/${path}`), { throwIfNoEntry: false })
    const is = stat?.isFile()
      ? `file ${stat.size} ${Math.floor(stat.mtimeMs / 1000)}`
      : stat?.isSymbolicLink()
        ? `link ${stat.size} 0`
        : stat?.isDirectory()
          ? 'folder 0 0'
          : ''
    if (is !== `${type} ${size} ${mtime}`) return path
  }
  return undefined
}
