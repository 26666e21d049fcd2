import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  rmdir,
  symlink,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { CHUNK, chunksOf, OWN, type Entry, type Manifest, type Segment } from './manifest.js'
import { ownMark } from '../base/mark.js'
import type { Piece, Pieces } from './pieces.js'
import { inTheWay, type Root } from './root.js'
import { digestOf, isTag, tagOf } from './tags.js'

/** Chunks that stay in memory after they were written: who is about as far gets them without a look at the disk. */
const REMEMBERED = 24

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW

/** Some segments of one chunk, one behind the other. */
export interface Bytes {
  /** Which segments of the chunk, ascending. */
  readonly which: readonly number[]
  readonly tags: readonly Buffer[]
  readonly piece: Piece
}

/**
 * A folder that is being filled chunk by chunk, in any order, while others read from it what is there. A file appears
 * under its name when all its bytes are there and had the right tags.
 */
export class Store {
  readonly chunks: readonly (readonly Segment[])[]
  /** Bytes of files that are here now, of those that were missing. */
  bytes = 0
  /** Files that have not got their names yet. */
  unpublished: number
  private readonly manifest: Manifest
  private readonly key: Buffer
  private readonly pieces: Pieces
  private readonly root: Root
  private readonly parts: string
  /** Bytes that are still missing, by entry. */
  private readonly missing: Map<number, number>
  private readonly isHere: Uint8Array
  private readonly memory = new Map<number, Bytes>()
  private readonly written: number[] = []
  private readonly open = new Map<number, Promise<FileHandle>>()
  private readonly waiting = new Map<number, (() => void)[]>()
  private readonly tags = new Map<number, Buffer[]>()

  /** @param missing entries that are not there: their bytes will come. The others must stay as they are. */
  constructor(root: Root, manifest: Manifest, missing: Iterable<number>, pieces: Pieces) {
    this.root = root
    this.manifest = manifest
    this.key = Buffer.from(manifest.key, 'hex')
    this.pieces = pieces
    this.parts = join(OWN, `part-${ownMark()}-${randomBytes(4).toString('hex')}`)
    this.chunks = chunksOf(manifest.entries)
    this.unpublished = [...missing].filter(n => manifest.entries[n]!.kind === 'file').length
    this.missing = new Map([...missing].map(n => [n, manifest.entries[n]!.size]))
    this.isHere = Uint8Array.from(this.chunks, (_, c) => (this.wanted(c).length === 0 ? 1 : 0))
  }

  /** Make folders, and files without bytes. */
  async begin(): Promise<void> {
    const { entries } = this.manifest
    for (const entry of entries) if (entry.kind === 'folder') await this.makeFolder(entry)
    if (this.missing.size === 0) return
    await mkdir(this.path(OWN), { mode: 0o700 }).catch(ignore('EEXIST'))
    await mkdir(this.path(this.parts), { mode: 0o700 })
    for (const n of this.missing.keys()) {
      const entry = entries[n]!
      if (entry.kind === 'link') await this.makeLink(entry)
      else if (entry.kind === 'file' && entry.size === 0) await this.publish(n)
    }
  }

  /** All is here: what only the work needed is taken away. */
  async finish(): Promise<void> {
    await this.clean()
    // last, as a folder may be closed to writing
    for (const { kind, path, mode } of this.manifest.entries)
      if (kind === 'folder') await chmod(this.path(path), mode | 0o700)
  }

  /** Nothing more comes: half files are taken away. */
  async clean(): Promise<void> {
    const open = [...this.open.values()]
    this.open.clear()
    await Promise.all(open.map(file => file.then(f => f.close()).catch(() => undefined)))
    await rm(this.path(this.parts), { recursive: true, force: true })
    await rmdir(this.path(OWN)).catch(() => undefined) // others may have something there
  }

  /** Segments of a chunk whose bytes are missing. */
  wanted(chunk: number): number[] {
    return this.chunks[chunk]!.flatMap((s, n) => (this.missing.has(s.entry) ? [n] : []))
  }

  has(chunk: number): boolean {
    return this.isHere[chunk] === 1
  }

  /** Calls back when the chunk can be read. */
  whenHere(chunk: number): Promise<void> {
    if (this.has(chunk)) return Promise.resolve()
    return new Promise(resolve => {
      this.waiting.set(chunk, [...(this.waiting.get(chunk) ?? []), resolve])
    })
  }

  /** Number of chunks of a stripe that are here, counted from the first. */
  havePrefix(stripe: number, stripes: number, from = 0): number {
    let n = from
    while (n * stripes + stripe < this.chunks.length && this.has(n * stripes + stripe)) n++
    return n
  }

  /** Digest of a file that has come whole. */
  digest(entry: number): string {
    return digestOf(this.manifest.entries[entry]!.size, this.tags.get(entry) ?? [])
  }

  /** Do the bytes have their tags? */
  isSound(chunk: number, { which, tags, piece }: Bytes): boolean {
    let at = 0
    return which.every((n, k) => {
      const { size } = this.chunks[chunk]![n]!
      const from = at
      at += size
      return isTag(this.key, piece.buffer.subarray(from, at), tags[k]!)
    })
  }

  /**
   * Take the missing segments of a chunk, which are sound. They can be read at once; resolves when they are written.
   * The piece is held as long as it is needed.
   */
  async put(chunk: number, bytes: Bytes): Promise<void> {
    const wanted = this.wanted(chunk).filter(n => bytes.which.includes(n))
    if (this.has(chunk) || wanted.length === 0) return
    bytes.piece.hold()
    this.memory.set(chunk, bytes)
    this.isHere[chunk] = 1
    bytes.which.forEach((n, k) => this.keepTag(this.chunks[chunk]![n]!, bytes.tags[k]!))
    for (const resolve of this.waiting.get(chunk) ?? []) resolve()
    this.waiting.delete(chunk)
    let at = 0
    const writes = bytes.which.flatMap(n => {
      const segment = this.chunks[chunk]![n]!
      const from = at
      at += segment.size
      return wanted.includes(n) ? this.write(segment, bytes.piece.buffer.subarray(from, at)) : []
    })
    await Promise.all(writes)
    this.written.push(chunk)
    if (this.written.length > REMEMBERED) this.forget(this.written.shift()!)
  }

  /** Bytes of some segments of a chunk that is here, with the tags they came with. Whoever asks releases the piece. */
  async read(chunk: number, which: readonly number[]): Promise<Bytes> {
    const remembered = this.memory.get(chunk)
    if (remembered && sameList(remembered.which, which)) {
      remembered.piece.hold()
      return remembered
    }
    const piece = this.pieces.take()
    try {
      const tags: Buffer[] = []
      let at = 0
      for (const n of which) {
        const segment = this.chunks[chunk]![n]!
        const bytes = piece.buffer.subarray(at, (at += segment.size))
        if (!this.copyRemembered(remembered, chunk, n, bytes))
          await this.readSegment(segment, bytes)
        tags.push(this.tags.get(segment.entry)?.[segment.at / CHUNK] ?? tagOf(this.key, bytes))
      }
      return { which, tags, piece }
    } catch (error) {
      piece.release()
      throw error
    }
  }

  private copyRemembered(from: Bytes | undefined, chunk: number, n: number, to: Buffer): boolean {
    if (!from?.which.includes(n)) return false
    const before = from.which.filter(m => m < n)
    const at = before.reduce((sum, m) => sum + this.chunks[chunk]![m]!.size, 0)
    from.piece.buffer.copy(to, 0, at, at + to.length)
    return true
  }

  private keepTag({ entry, at }: Segment, tag: Buffer): void {
    const tags = this.tags.get(entry) ?? []
    tags[at / CHUNK] = tag
    this.tags.set(entry, tags)
  }

  private forget(chunk: number): void {
    this.memory.get(chunk)?.piece.release()
    this.memory.delete(chunk)
  }

  private async readSegment({ entry, at, size }: Segment, into: Buffer): Promise<void> {
    const file = await this.openToRead(entry)
    try {
      const { bytesRead } = await file.read(into, 0, size, at)
      if (bytesRead !== size)
        throw new HedError('DATA', `${this.nameOf(entry)}: has become shorter while it was staged`)
    } finally {
      await file.close()
    }
  }

  private async openToRead(entry: number): Promise<FileHandle> {
    const flags = O_RDONLY | O_NOFOLLOW
    const final = () => open(this.path(this.manifest.entries[entry]!.path), flags)
    if (!this.open.has(entry)) return final()
    // it may be published this moment
    return open(this.partOf(entry), flags).catch(final)
  }

  private async write({ entry, at, size }: Segment, bytes: Buffer): Promise<void> {
    let file = this.open.get(entry)
    if (!file) {
      file = open(this.partOf(entry), NEW, 0o600)
      this.open.set(entry, file)
    }
    const handle = await file
    for (let done = 0; done < size;)
      done += (await handle.write(bytes, done, size - done, at + done)).bytesWritten
    this.bytes += size
    const left = this.missing.get(entry)! - size
    this.missing.set(entry, left)
    if (left === 0) await this.publish(entry)
  }

  /** The file gets its name. */
  private async publish(n: number): Promise<void> {
    const entry = this.manifest.entries[n]!
    const file = await (this.open.get(n) ?? open(this.partOf(n), NEW, 0o600))
    await file
      .utimes(entry.mtime / 1000, entry.mtime / 1000)
      .then(() => file.chmod(entry.mode & 0o777))
      .finally(() => file.close())
    try {
      await rename(this.partOf(n), this.path(entry.path))
    } catch (error) {
      throw inTheWay(this.nameOf(n), error)
    }
    this.open.delete(n)
    this.unpublished--
  }

  private async makeFolder({ path }: Entry): Promise<void> {
    await mkdir(this.path(path), { mode: 0o700 }).catch(ignore('EEXIST'))
    const found = await lstat(this.path(path))
    if (!found.isDirectory()) throw inTheWay(join(this.root.path, path))
  }

  private async makeLink({ path, target }: Entry): Promise<void> {
    const part = `${this.path(this.parts)}/link`
    await symlink(target!, part)
    await rename(part, this.path(path)).catch((error: unknown) => {
      throw inTheWay(join(this.root.path, path), error)
    })
  }

  private partOf(entry: number): string {
    return `${this.path(this.parts)}/${entry}`
  }

  private path(relative: string): string {
    return `${this.root.fixed}/${relative}`
  }

  private nameOf(entry: number): string {
    return join(this.root.path, this.manifest.entries[entry]!.path)
  }
}

function ignore(code: string): (error: unknown) => void {
  return error => {
    if (codeOf(error) !== code) throw error
  }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, n) => x === b[n])
}
