import * as fs from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { naming, syncDirectory } from '../base/files.js'
import { gzip } from '../base/gzip.js'
import { besideMarked } from '../base/mark.js'
import { TAR_END, tarHeader, tarPadding } from '../base/tar.js'

/** A file or folder of an archive. */
export interface Entry {
  /** Below the EXP; a folder has a `/` behind it. */
  readonly name: string
  /** Where its content lies. */
  readonly path: string
}

/** Of gzip: a third of the time of the usual 6 for a tenth more bytes. */
const LEVEL = 1

/**
 * What an archive of an EXP holds, sorted: inputs, settings, journal, scores, predictions, reports and thinned logs; no
 * checkpoints, no keys. What is unpacked from it is an EXP that commands read.
 * @param elsewhere files that take the place of those of the EXP, or join them: name → path
 */
export function exportEntries(
  exp: string,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): readonly Entry[] {
  const names = new Set([...walk(exp, ''), ...elsewhere.keys()])
  return [...names].sort().map(name => ({ name, path: elsewhere.get(name) ?? join(exp, name) }))
}

/**
 * All but what is large (checkpoints, whole logs), of this machine alone or a secret (of .engine only plan and journal), or half
 * written (hidden names).
 */
function belongs(path: string): boolean {
  const [top, second, third, fourth] = path.split('/')
  if (path.split('/').some(name => name.startsWith('.') && name !== '.engine')) return false
  switch (top) {
    case '.engine':
      return second === undefined || second === 'journal' || second === 'plan.jsonl'
    case 'run':
      return third === undefined || (fourth === undefined && third !== 'ckpts' && !isModel(third))
    case 'out':
      return second === undefined || second.startsWith('summary-')
    case 'stale':
    case 'output.txt':
      return false
    default:
      return !path.endsWith('.tgz')
  }
}

function isModel(name: string): boolean {
  return /\.(h5|keras)$/.test(name)
}

/** Names below the EXP that belong to it. */
function* walk(exp: string, folder: string): Generator<string, void> {
  for (const entry of fs.readdirSync(join(exp, folder), { withFileTypes: true })) {
    const path = `${folder}${entry.name}`
    if (!belongs(path)) continue
    if (entry.isDirectory()) {
      yield `${path}/`
      yield* walk(exp, `${path}/`)
    } else if (entry.isFile()) yield path
  }
}

/**
 * Write a gzipped tar of them, with one folder that is named as the EXP.
 * @param onShare told how much is done, 0 … 1 @returns bytes of the archive
 */
export async function writeArchive(
  file: string,
  exp: string,
  entries: readonly Entry[],
  onShare: (share: number) => void = () => undefined,
): Promise<number> {
  const temporary = besideMarked(file)
  try {
    await pipeline(
      gzip(archive(exp, entries, onShare), LEVEL),
      fs.createWriteStream(temporary, { flags: 'wx' }),
    )
    const written = await open(temporary, 'r+')
    await written.sync()
    await written.close()
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw naming(file, error)
  }
  await syncDirectory(dirname(file))
  return fs.statSync(file).size
}

/** Bytes. Most files are small, and a stream costs more than they do. */
const AT_ONCE = 2 ** 20

/** Of a sweep that runs too: files of RUNs are replaced as a whole; the journal grows, and is cut where it ended. */
async function* archive(
  exp: string,
  entries: readonly Entry[],
  onShare: (share: number) => void,
): AsyncGenerator<Buffer, void> {
  const folder = basename(exp)
  for (const [done, { name, path }] of [{ name: '', path: exp }, ...entries].entries()) {
    onShare(done / entries.length)
    const found = fs.statSync(path, { throwIfNoEntry: false })
    if (!found) continue // an error.json goes when its RUN begins anew
    const { size, mtimeMs } = found
    const header = (bytes: number) =>
      tarHeader({ name: `${folder}/${name}`, size: bytes, mtime: Math.floor(mtimeMs / 1000) })
    if (name === '' || name.endsWith('/')) yield header(0)
    else if (size <= AT_ONCE) {
      const content = fs.readFileSync(path)
      yield header(content.length)
      yield content
      yield tarPadding(content.length)
    } else {
      yield header(size)
      const stream = fs.createReadStream(path, { end: size - 1, highWaterMark: AT_ONCE })
      for await (const chunk of stream) yield chunk as Buffer
      yield tarPadding(size)
    }
  }
  yield TAR_END
}
