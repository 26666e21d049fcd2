import type { Stats } from 'node:fs'
import { lstat, mkdir, open, readFile, readlink, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import { isObject, isText, shape } from '../base/shape.js'
import { CHUNK, OWN, type Entry, type Manifest } from './manifest.js'
import { inTheWay, type Root } from './root.js'
import { digestOf, tagOf } from './tags.js'

/**
 * What was staged to a folder, in the folder: which names are ours, and what tells that a file is still what it was. Whoever
 * writes to a file changes its ctime, which no program can set back: so nothing need be read to know that all is unchanged.
 */
export interface StageRecord {
  /** Key of the digests. */
  readonly key: string
  readonly files: Readonly<Record<string, FileRecord>>
}

export interface FileRecord {
  /** '' for one that was begun. */
  readonly digest: string
  /** The staged file, as it was when it had been checked. */
  readonly mark: string
  /** At the source's node: the file it was read from. */
  readonly source?: string
}

const FILE = `${OWN}/files.json`
/** Milliseconds within which two writes may get the same time. */
const TICK_MS = 100

/** @returns undefined if there is none that can be read */
export async function readRecord(root: Root): Promise<StageRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(`${root.fixed}/${FILE}`, 'utf8'))
    return isRecord(value) ? (value as StageRecord) : undefined
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const isFileRecord = shape({ digest: isText, mark: isText })
const isRecord = shape({
  key: isText,
  files: v => isObject(v) && Object.values(v).every(isFileRecord),
})

async function writeRecord(root: Root, record: StageRecord): Promise<void> {
  await mkdir(`${root.fixed}/${OWN}`, { mode: 0o700, recursive: true })
  await writeAtomic(`${root.fixed}/${FILE}`, JSON.stringify(record), 0o600)
}

/**
 * Which entries are not there, or not as they should be. From now on all names of the manifest count as ours.
 *
 * @param verify read every file, whatever its times say
 * @throws HedError USAGE if something that was not staged is in the way of one
 */
export async function missingEntries(
  root: Root,
  manifest: Manifest,
  verify: boolean,
): Promise<number[]> {
  const record = await readRecord(root)
  const missing: number[] = []
  for (const [n, entry] of manifest.entries.entries()) {
    const isThere =
      entry.kind === 'folder' ? true : await isSound(root, record, manifest.key, entry, verify)
    if (!isThere) missing.push(n)
  }
  if (missing.length > 0) {
    const begun = missing.map(n => [manifest.entries[n]!.path, { digest: '', mark: '' }] as const)
    const files = { ...record?.files, ...Object.fromEntries(begun) }
    await writeRecord(root, { key: record?.key ?? manifest.key, files })
  }
  return missing
}

async function isSound(
  root: Root,
  record: StageRecord | undefined,
  key: string,
  entry: Entry,
  verify: boolean,
): Promise<boolean> {
  const path = `${root.fixed}/${entry.path}`
  const found = await lstat(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  })
  if (!found) return false
  const known =
    record && Object.hasOwn(record.files, entry.path) ? record.files[entry.path] : undefined
  const isKind = entry.kind === 'link' ? found.isSymbolicLink() : found.isFile()
  if (!known || found.isDirectory()) throw inTheWay(`${root.path}/${entry.path}`)
  if (!isKind) return false
  if (entry.kind === 'link') return (await readlink(path)) === entry.target
  const isSame = record?.key === key && known.digest !== '' && known.digest === entry.digest
  if (!isSame || found.size !== entry.size || (found.mode & 0o777) !== entry.mode) return false
  if (!verify && known.mark === markOf(found)) return true
  return (await fileDigest(path, Buffer.from(key, 'hex'))) === entry.digest
}

/** All is there: what tells later that it is unchanged is written down. @param digest of an entry that was missing */
export async function recordWhole(
  root: Root,
  manifest: Manifest,
  digest: (entry: number) => string | undefined,
  sources?: ReadonlyMap<string, string>,
): Promise<void> {
  await sleep(TICK_MS) // whoever writes from now on gives the file another ctime than it has
  const old = await readRecord(root)
  const files: Record<string, FileRecord> = old?.key === manifest.key ? { ...old.files } : {}
  for (const [n, { path, kind, digest: told }] of manifest.entries.entries()) {
    if (kind === 'folder') continue
    const mark = markOf(await lstat(`${root.fixed}/${path}`))
    const source = sources?.get(path)
    const known = kind === 'link' ? 'link' : (digest(n) ?? told ?? '')
    files[path] = { digest: known, mark, ...(source === undefined ? {} : { source }) }
  }
  await writeRecord(root, { key: manifest.key, files })
}

/**
 * Remove what an earlier staging brought into the folders of this manifest and is not there any more; folders that become
 * empty by it too. What was not staged stays.
 */
export async function removeGone(root: Root, manifest: Manifest): Promise<void> {
  const record = await readRecord(root)
  if (!record) return
  const names = new Set(manifest.entries.map(({ path }) => path))
  const isBelow = (path: string) => names.has(path.split('/')[0]!) && path.includes('/')
  const gone = Object.keys(record.files).filter(path => !names.has(path) && isBelow(path))
  if (gone.length === 0) return
  const isGone = new Set(gone)
  for (const path of gone) {
    if (!(await isReached(root, path))) continue
    await rm(`${root.fixed}/${path}`, { force: true })
    for (let at = dirname(path); !names.has(at); at = dirname(at))
      if (!(await rmdir(`${root.fixed}/${at}`).then(yes, no))) break
  }
  const rest = Object.entries(record.files).filter(([path]) => !isGone.has(path))
  await writeRecord(root, { key: record.key, files: Object.fromEntries(rest) })
}

const [yes, no] = [() => true, () => false]

/** No link leads there, and what is there is no folder: it can be what was staged. */
async function isReached(root: Root, path: string): Promise<boolean> {
  const parts = path.split('/')
  for (let n = 1; n <= parts.length; n++) {
    const found = await lstat(`${root.fixed}/${parts.slice(0, n).join('/')}`).catch(() => undefined)
    if (found?.isDirectory() !== n < parts.length) return false
  }
  return true
}

/** Changes whenever a file is written to, or replaced. */
export function markOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ')
}

/** May what was found be trusted to have another time if it is written to now? */
export function isSettled({ ctimeMs }: Stats, now = Date.now()): boolean {
  return Math.abs(now - ctimeMs) > TICK_MS
}

async function fileDigest(path: string, key: Buffer): Promise<string> {
  const file = await open(path, 'r')
  const buffer = Buffer.allocUnsafeSlow(CHUNK)
  const tags: Buffer[] = []
  let size = 0
  try {
    for (;;) {
      let count = 0
      while (count < CHUNK) {
        const { bytesRead } = await file.read(buffer, count, CHUNK - count, size + count)
        if (bytesRead === 0) break
        count += bytesRead
      }
      if (count > 0) tags.push(tagOf(key, buffer.subarray(0, count)))
      size += count
      if (count < CHUNK) return digestOf(size, tags)
    }
  } finally {
    await file.close()
  }
}
