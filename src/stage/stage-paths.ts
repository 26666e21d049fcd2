import { randomBytes } from 'node:crypto'
import { open, realpath, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HedError } from '../base/errors.js'
import type { Entry, Manifest } from './manifest.js'
import { Pieces } from './pieces.js'
import { isSettled, markOf, missingEntries, readRecord, recordWhole, removeGone } from './record.js'
import { requireRoom } from './room.js'
import type { Root } from './root.js'
import { ownRoot } from './receive-paths.js'
import { scanPaths, type Found } from './scan.js'
import type { NodeState, Source } from './serving.js'
import { serveStaging } from './source.js'
import { Store } from './store.js'
import { tagOf } from './tags.js'

/** Chunks that are read ahead of the first who gets them; those are still in memory. */
const AHEAD = 6
/** Chunks that are being written while the next are read. */
const WRITING = 4

export interface Staged {
  /** Bytes of all files. */
  readonly bytes: number
  readonly files: number
  /** Bytes that were missing here. */
  readonly missing: number
  /** Bytes that were read from the paths. */
  readonly read: number
  /** Bytes that went out from here. */
  readonly sent: number
  readonly nodes: readonly NodeState[]
  /** Ranks that have not come. */
  readonly absent: number
}

export interface StageOptions {
  readonly paths: readonly string[]
  readonly destination: string
  /** Read all that is there, too. */
  readonly verify: boolean
  /** Take away what was staged there and is gone from the paths. */
  readonly remove: boolean
  /** Other ranks; 0: this is a copy alone. */
  readonly others: number
  readonly host: string
  readonly secret: Buffer
  /** Seconds that the others may take to come. */
  readonly patience: number
  /** The others may be told where this is. */
  readonly onListening: (port: number) => Promise<void>
  /** All of them have come: nobody need find it any more. */
  readonly onGathered: () => Promise<void>
  /** Told some times a second. */
  readonly onProgress: (now: Progress) => void
}

export interface Progress {
  /** Bytes that were missing here, and are here. */
  readonly here: number
  readonly missing: number
  /** Share of what all others are to have that they have. */
  readonly share: number
  readonly nodes: number
  readonly done: number
}

/** What `stage` does on the node that reads: everything to its own disk, and on to all others, with one read. */
export async function stagePaths(options: StageOptions): Promise<Staged> {
  const found = await scanPaths(options.paths)
  await refuseOntoItself(options.destination, found) // before it is made
  const root = await ownRoot(options.destination)
  try {
    return await stageInto(root, found, options)
  } finally {
    await root.close()
  }
}

async function stageInto(
  root: Root,
  found: readonly Found[],
  options: StageOptions,
): Promise<Staged> {
  const { destination, verify, remove, others, secret, patience, host } = options
  const { manifest, sources } = await describe(root, found)
  const missing = await missingEntries(root, manifest, verify)
  await requireRoom(
    destination,
    missing.map(n => manifest.entries[n]!),
  )
  const pieces = new Pieces()
  const store = new Store(root, manifest, missing, pieces)
  const isMissing = new Set(missing)
  const size = missing.reduce((sum, n) => sum + manifest.entries[n]!.size, 0)
  let source: Source | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    await store.begin()
    if (others > 0) {
      const how = { manifest, store, pieces, secret, patience, name: host, expected: others }
      source = await serveStaging(how)
    }
    timer = setInterval(() => options.onProgress(progressOf(store, size, source)), 250)
    if (source) {
      await options.onListening(source.port)
      source.gathered.then(options.onGathered).catch(() => undefined) // it goes at the end, too
      await source.begun
    }
    const read = await readInto(store, found, manifest, pieces, source)
    await store.finish()
    const digest = (n: number) => (isMissing.has(n) ? store.digest(n) : undefined)
    await recordWhole(root, manifest, digest, sources)
    if (remove) await removeGone(root, manifest)
    const nodes = (await source?.finished) ?? []
    return {
      bytes: manifest.entries.reduce((sum, e) => sum + e.size, 0),
      files: found.filter(f => f.entry.kind !== 'folder').length,
      missing: size,
      read,
      sent: source?.sent() ?? 0,
      nodes,
      absent: source?.absent() ?? 0,
    }
  } finally {
    clearInterval(timer)
    await source?.close()
    await store.clean()
  }
}

async function refuseOntoItself(destination: string, found: readonly Found[]): Promise<void> {
  const real = await realOf(resolve(destination))
  for (const { entry, from } of found) {
    if (entry.path.includes('/')) continue
    const there = await realpath(from).catch(() => from)
    if (there === join(real, entry.path) || real === there || real.startsWith(`${there}/`))
      throw new HedError('USAGE', `${from}: is, or holds, what it shall be staged to: ${real}`, {
        hint: 'Stage to a folder elsewhere.',
      })
  }
}

/** Without links, also of what is not there yet. */
async function realOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  return real ?? join(await realOf(dirname(path)), basename(path))
}

/** What is known of files that were read before, and have not changed since, stands in the manifest. */
async function describe(
  root: Root,
  found: readonly Found[],
): Promise<{ manifest: Manifest; sources: ReadonlyMap<string, string> }> {
  const record = await readRecord(root)
  const sources = new Map<string, string>()
  const entries = found.map(({ entry, from, stats }): Entry => {
    if (entry.kind !== 'file') return entry
    const mark = isSettled(stats) ? `${from} ${markOf(stats)}` : ''
    sources.set(entry.path, mark)
    const known = record?.files[entry.path]
    const isKnown = known && known.digest !== '' && mark !== '' && known.source === mark
    return isKnown ? { ...entry, digest: known.digest } : entry
  })
  return { manifest: { key: record?.key ?? randomBytes(32).toString('hex'), entries }, sources }
}

/** Read what is missing, each byte once. @returns bytes read */
async function readInto(
  store: Store,
  found: readonly Found[],
  manifest: Manifest,
  pieces: Pieces,
  source: Source | undefined,
): Promise<number> {
  const key = Buffer.from(manifest.key, 'hex')
  const reader = new Reader(found)
  const writing = new Set<Promise<void>>()
  let failed: { readonly error: unknown } | undefined
  try {
    for (let c = 0; c < store.chunks.length; c++) {
      const which = store.wanted(c)
      if (which.length === 0) continue
      // who is fed should find it in memory; a slow one is not waited for
      for (let n = 0; source && source.lag(c) > AHEAD && n < 20; n++) await sleep(2)
      const piece = pieces.take()
      let at = 0
      const tags: Buffer[] = []
      for (const n of which) {
        const segment = store.chunks[c]![n]!
        const bytes = piece.buffer.subarray(at, (at += segment.size))
        await reader.read(segment.entry, segment.at, bytes)
        tags.push(tagOf(key, bytes))
      }
      const put: Promise<void> = store
        .put(c, { which, tags, piece })
        .catch((error: unknown) => {
          failed ??= { error }
        })
        .finally(() => {
          piece.release()
          writing.delete(put)
        })
      writing.add(put)
      if (writing.size >= WRITING) await Promise.race(writing)
      if (failed) throw failed.error
    }
    await Promise.all(writing)
    if (failed) throw failed.error
  } finally {
    await reader.close()
  }
  return reader.bytes
}

/** Reads files one after the other, and tells if one has changed meanwhile. */
class Reader {
  bytes = 0
  private readonly found: readonly Found[]
  private entry = -1
  private file: FileHandle | undefined

  constructor(found: readonly Found[]) {
    this.found = found
  }

  async read(entry: number, at: number, into: Buffer): Promise<void> {
    const { from, stats } = this.found[entry]!
    if (entry !== this.entry) {
      await this.close()
      this.file = await open(from, 'r')
      this.entry = entry
    }
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.file!.read(into, done, into.length - done, at + done)
      if (bytesRead === 0) throw changed(from)
      done += bytesRead
    }
    this.bytes += into.length
    const isLast = at + into.length === stats.size
    if (isLast && markOf(await this.file!.stat()) !== markOf(stats)) throw changed(from)
  }

  async close(): Promise<void> {
    await this.file?.close()
    this.file = undefined
    this.entry = -1
  }
}

function changed(path: string): HedError {
  return new HedError('DATA', `${path}: has changed while it was staged`, {
    hint: 'Stage again when nobody writes to it.',
  })
}

function progressOf(store: Store, missing: number, source: Source | undefined): Progress {
  const nodes = source?.nodes() ?? []
  return {
    here: store.bytes,
    missing,
    share: source?.share() ?? 1,
    nodes: nodes.length,
    done: nodes.filter(n => n.state === 'done').length,
  }
}
