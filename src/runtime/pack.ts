import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { sha256File } from '../base/digest.js'
import { codeOf, HedError } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'
import { makeFolders } from '../base/folders.js'
import { bytes, contentsOf, listText, topNames, type Entry } from './contents.js'
import { runtimeParts } from './node-runtime.js'
import { LATEST, requireName } from './reference.js'
import * as store from './store.js'
import { isFull, requireTar, tar } from './tar.js'

/** Some of what a folder holds, and where an image has it. */
export interface Part {
  readonly folder: string
  /** As latin1. */
  readonly names: readonly string[]
  /** Folder of the image that it goes to. */
  readonly below?: string
  /** For a single file: its path in the image. */
  readonly as?: string
  /** Paths that are left out, with all below. */
  readonly without?: readonly string[]
}

export interface PackOptions {
  /** Folder of images. */
  readonly dir: string
  /** To pack as it is; undefined: the runtime alone. */
  readonly folder: string | undefined
  /** Put node and this package into it, so that ranks start from it. */
  readonly runtime: boolean
  /** Root and version of this package. */
  readonly root: string
  readonly version: string
  /** Name for good. */
  readonly name: string | undefined
  readonly latest: boolean
  /** Bytes written, of how many about. */
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Pack a folder, the runtime, or both, into one file named by its digest. Equal contents make the same image.
 * @returns facts of the image, and whether it was there already
 * @throws HedError USAGE
 */
export async function createImage(
  options: PackOptions,
): Promise<{ readonly facts: store.Facts; readonly again: boolean }> {
  const { dir, name } = options
  if (name !== undefined) {
    requireName(name)
    store.requireFreeName(dir, name)
  }
  await requireTar()
  const parts = partsOf(options)
  const entries = parts.flatMap(entriesOf)
  makeFolder(store.imagesFolder(dir))
  const all = entries.reduce((sum, { size }) => sum + 512 + Math.ceil(size / 512) * 512, 0)
  await requireRoom(dir, all)
  const work = join(
    store.imagesFolder(dir),
    `.new-${process.pid}-${randomBytes(4).toString('hex')}`,
  )
  const watch = setInterval(() => {
    options.onProgress?.(fs.statSync(work, { throwIfNoEntry: false })?.size ?? 0, all)
  }, 500)
  try {
    for (const part of parts) await add(work, part)
    sync(work)
    const digest = await sha256File(work)
    const image = store.imageFile(dir, digest)
    const before = fs.existsSync(image) ? store.readFacts(image) : undefined
    const facts = before ?? factsOf(options, digest, fs.statSync(work).size, entries)
    if (!before) {
      fs.chmodSync(work, 0o444)
      writeAtomicSync(store.listFile(image), listText(digest, entries))
      writeAtomicSync(store.factsFile(image), `${JSON.stringify(facts, null, 2)}\n`)
      fs.renameSync(work, image)
    }
    if (name !== undefined) store.addName(dir, name, digest)
    if (options.latest) store.moveName(dir, LATEST, digest)
    return { facts, again: before !== undefined }
  } catch (error) {
    if (isFull(error) || codeOf(error) === 'ENOSPC') throw await noRoom(dir, all)
    throw error
  } finally {
    clearInterval(watch)
    fs.rmSync(work, { force: true })
  }
}

function partsOf({ folder, runtime, root }: PackOptions): Part[] {
  const own = runtime || folder === undefined ? runtimeParts(root) : []
  if (folder === undefined) return own
  const names = topNames(folder)
  if (own.length > 0 && names.includes('.upf-heds'))
    throw new HedError('USAGE', `${folder}: has a runtime in .upf-heds already`, {
      hint: 'Leave --runtime away, or remove that folder.',
    })
  return [{ folder, names }, ...own]
}

function entriesOf({ folder, names, below, as, without = [] }: Part): Entry[] {
  const isOut = (path: string) => without.some(out => path === out || path.startsWith(`${out}/`))
  const found = contentsOf(folder, [...names]).filter(({ path }) => !isOut(path))
  if (as !== undefined) return found.map(entry => ({ ...entry, path: as }))
  return below === undefined
    ? found
    : found.map(entry => ({ ...entry, path: `${below}/${entry.path}` }))
}

/** Into a new archive, or to the end of one. Who owns the files is left out, and so are set-uid bits. */
async function add(
  archive: string,
  { folder, names, below, as, without = [] }: Part,
): Promise<void> {
  const to = as === undefined ? below && `s,^,${below}/,` : `s,^.*$,${as},`
  await tar(
    [
      fs.existsSync(archive) ? '--append' : '--create',
      `--file=${archive}`,
      ...['--force-local', '--format=gnu', '--sort=name', '--mode=ug-s'],
      ...['--owner=0', '--group=0', '--numeric-owner'],
      ...['--anchored', '--no-wildcards', ...without.map(path => `--exclude=${path}`)],
      ...(to ? [`--transform=flags=rhS;${to}`] : []),
      ...[`--directory=${folder}`, '--null', '--verbatim-files-from', '--files-from=-'],
    ],
    bytes(names.map(name => `${name}\0`).join('')),
    `${folder}: cannot be packed`,
  )
}

function factsOf(
  { folder, runtime, version }: PackOptions,
  digest: string,
  size: number,
  entries: readonly Entry[],
): store.Facts {
  const count = (type: Entry['type']) => entries.filter(entry => entry.type === type).length
  const has = (path: string) => entries.some(entry => entry.path === path)
  return {
    digest,
    bytes: size,
    unpacked: entries.reduce((sum, { disk }) => sum + disk, 0),
    files: count('file'),
    folders: count('folder'),
    links: count('link'),
    source: folder === undefined ? '' : resolve(folder),
    version,
    runtime: runtime || folder === undefined,
    bin: entries.some(({ path, type }) => path === 'bin' && type === 'folder'),
    python: has('bin/python3') ? 'bin/python3' : has('bin/python') ? 'bin/python' : '',
    created: new Date().toISOString(),
  }
}

function makeFolder(path: string): void {
  try {
    makeFolders(path)
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK)
  } catch (error) {
    throw new HedError('USAGE', `${path}: no image can be kept here: ${codeOf(error) ?? '?'}`, {
      hint: 'Set ENV_DIR to a folder you may write to, or give --env-dir.',
      cause: error,
    })
  }
}

async function requireRoom(dir: string, all: number): Promise<void> {
  if ((await freeIn(dir)) < all) throw await noRoom(dir, all)
}

async function noRoom(dir: string, all: number): Promise<HedError> {
  const [needed, free] = [all, await freeIn(dir)].map(megabytes)
  return new HedError('USAGE', `${dir}: the image takes ${needed}, ${free} are free`, {
    hint: 'Make room, upf-heds env gc perhaps, or set ENV_DIR to another place.',
  })
}

async function freeIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** `16,384 MB`: of 10⁶ bytes, rounded up. */
export function megabytes(size: number): string {
  return `${Math.ceil(size / 1e6).toLocaleString('en')} MB`
}

function sync(file: string): void {
  const fd = fs.openSync(file, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
