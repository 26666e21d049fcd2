import { HedError } from '../base/errors.js'
import { among, isCount, isText, list, maybe, shape } from '../base/shape.js'

/** Bytes that are sent, checked and passed on together. Smaller ones cost calls, larger ones wait at each node. */
export const CHUNK = 1 << 20

/** One name under the root of what is staged. Folders stand before what is in them. */
export interface Entry {
  /** Relative, with `/`, without `.` and `..`. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link'
  /** Bytes of a file, else 0. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  /** Milliseconds since 1970; with fractions. */
  readonly mtime: number
  /** Where a link points to: relative, and inside the root. */
  readonly target?: string
  /** Digest of a file's content, where the source knows it before it reads: `digestOf`. */
  readonly digest?: string
}

export interface Manifest {
  /** Key of all tags and digests, 32 bytes in hex: with another one they cannot be compared. */
  readonly key: string
  readonly entries: readonly Entry[]
}

/** A piece of one file, at most CHUNK bytes; begins at a multiple of CHUNK. */
export interface Segment {
  /** Which entry. */
  readonly entry: number
  readonly at: number
  readonly size: number
}

/** Files in one chunk: so many are open at once, times the chunks under way. */
const TOGETHER = 64

/** All bytes of all files, in pieces of at most CHUNK bytes: small files share one. A function of the entries alone. */
export function chunksOf(entries: readonly Entry[]): Segment[][] {
  const chunks: Segment[][] = []
  let open: Segment[] = []
  let room = CHUNK
  const flush = () => {
    if (open.length > 0) chunks.push(open)
    open = []
    room = CHUNK
  }
  entries.forEach((entry, n) => {
    for (let at = 0; at < entry.size; at += CHUNK) {
      const size = Math.min(CHUNK, entry.size - at)
      if (size > room || open.length === TOGETHER) flush()
      open.push({ entry: n, at, size })
      room -= size
    }
  })
  flush()
  return chunks
}

/** What came over the network. @throws HedError PROTOCOL */
export function parseManifest(value: unknown): Manifest {
  if (!isManifest(value))
    throw new HedError('PROTOCOL', 'the list of files to stage is not understood', {
      hint: 'Run the same version of upf-heds on all nodes.',
    })
  const manifest = value as Manifest
  for (const { path, target } of manifest.entries) {
    const bad = pathFault(path) ?? (target === undefined ? undefined : linkFault(path, target))
    if (bad !== undefined) throw new HedError('PROTOCOL', `${JSON.stringify(path)}: ${bad}`)
  }
  return manifest
}

const isManifest = shape({
  key: v => typeof v === 'string' && /^[0-9a-f]{64}$/.test(v),
  entries: list(
    shape({
      path: isText,
      kind: among(['file', 'folder', 'link']),
      size: isCount,
      mode: isCount,
      mtime: v => typeof v === 'number' && Number.isFinite(v),
      target: maybe(isText),
      digest: maybe(isText),
    }),
  ),
})

/** Why a path cannot be one of a staged tree. */
export function pathFault(path: string): string | undefined {
  if (path === '' || path.includes('\0')) return 'is no path'
  if (path.startsWith('/')) return 'is not relative'
  if (path.split('/').some(part => part === '' || part === '.' || part === '..'))
    return 'leads out of the folder'
  return path.split('/')[0] === OWN ? `is a name that staging uses itself` : undefined
}

/** Where staging keeps its own files, in the root of what is staged. */
export const OWN = '.upf-heds-stage'

/** Why a link at `path` must not be made: it leads out of what is staged. */
export function linkFault(path: string, target: string): string | undefined {
  if (target.startsWith('/')) return `is a link to ${target}, which is not relative`
  // `..` behind a name could climb out through another link
  const parts = target.split('/').filter(part => part !== '' && part !== '.')
  const up = parts.lastIndexOf('..') + 1
  return parts.slice(0, up).every(part => part === '..') && up < path.split('/').length
    ? undefined
    : `is a link to ${target}, which leads out of what is staged`
}
