import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, HedError, messageOf } from './errors.js'

const OURS = `${process.pid}.${randomBytes(4).toString('hex')}`
let files = 0

/** A name beside `path` that nobody else uses, on any host. Same directory, so that a rename is atomic. */
export function beside(path: string): string {
  const at = path.lastIndexOf('/') + 1 // `join` and `dirname` take longer than the rename
  return `${path.slice(0, at)}.${path.slice(at)}.${OURS}.${++files}`
}

/**
 * Write a file that another process may read: beside, fsync, rename, fsync of the directory.
 * A reader sees the old bytes or the new ones, also after a crash.
 *
 * @param mode permission bits; 0o600 for keys, else the umask decides
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o666,
): Promise<void> {
  const temporary = beside(path)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw naming(path, error)
  }
  await syncDirectory(dirname(path))
}

/** The whole file or none for a reader, as writeAtomic, but not synced: a power failure may take it. */
export function replaceSync(path: string, data: string | Uint8Array): void {
  const temporary = beside(path)
  try {
    fs.writeFileSync(temporary, data)
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw naming(path, error)
  }
}

/** As writeAtomic, for commands that do one thing after another. */
export function writeAtomicSync(path: string, data: string | Uint8Array, mode = 0o666): void {
  const temporary = beside(path)
  try {
    const fd = fs.openSync(temporary, 'wx', mode)
    try {
      fs.writeFileSync(fd, data)
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw naming(path, error)
  }
  syncDirectorySync(dirname(path))
}

/** A fault of `write` or `fsync` does not say which file: it is told which. @returns it */
export function naming(path: string, error: unknown): unknown {
  if (error instanceof Error && codeOf(error) !== undefined && !('path' in error)) {
    error.message = `${messageOf(error)} '${path}'`
    Object.assign(error, { path })
  }
  return error
}

/** Make renames in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    if (!cannotSync(error)) throw error
  }
}

function syncDirectorySync(path: string): void {
  try {
    const directory = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(directory)
    } finally {
      fs.closeSync(directory)
    }
  } catch (error) {
    if (!cannotSync(error)) throw error
  }
}

/** Some file systems refuse to sync a directory: not an error. */
function cannotSync(error: unknown): boolean {
  return ['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP', 'EBADF'].includes(codeOf(error) ?? '')
}

/**
 * Before long work: what is wrong with a file's name would only be found at its end.
 * @param makesFolder its folder will be made where it is not there @throws HedError USAGE
 */
export function refuseExisting(path: string, makesFolder = false): void {
  if (path === '') throw notWritten('""', 'is no name')
  if (fs.existsSync(path)) throw notWritten(path, 'is there already')
  const folder = dirname(path)
  if (makesFolder) return
  if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw notWritten(path, `there is no folder ${folder}`)
}

/** A file that the user named and that must not be there yet. @throws HedError USAGE */
export async function writeNew(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    const code = codeOf(error) ?? String(error)
    throw notWritten(path, code === 'EEXIST' ? 'is there already' : code, error)
  })
  try {
    await file.writeFile(data)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

function notWritten(path: string, why: string, cause?: unknown): HedError {
  return new HedError('USAGE', `${path}: cannot be written: ${why}`, {
    hint: 'Name another file.',
    cause,
  })
}

/** Text of a file, or undefined if there is none (ENOENT, ENOTDIR). Other faults are thrown. */
export function readIfThere(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}

/** No string of V8 is longer. */
const MAX_TEXT = 512e6

/**
 * Text of a file that the user named.
 * @param what for the message: "UPF", "DFLTS", ...
 * @throws HedError USAGE if it cannot be read, or is no UTF-8
 */
export function readNamed(path: string, what: string): string {
  const bytes = readBytes(path, what)
  if (isUtf8(bytes)) return bytes.toString()
  const line = firstForeignLine(bytes)
  throw new HedError('USAGE', `${path}:${line}: is not in UTF-8, want a ${what} that is`, {
    hint: 'Write it anew in UTF-8: iconv -f LATIN1 -t UTF-8.',
  })
}

function readBytes(path: string, what: string): Buffer {
  try {
    const { size } = fs.statSync(path)
    if (size > MAX_TEXT) throw new Error(`is ${Math.ceil(size / 1e6)} MB long, want at most 512`)
    return fs.readFileSync(path)
  } catch (error) {
    const code = codeOf(error)
    const why =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EISDIR'
          ? 'is a directory'
          : (code ?? messageOf(error))
    throw new HedError('USAGE', `${path}: ${what} cannot be read: ${why}`, {
      hint: `Give the path of an existing ${what} file.`,
      cause: error,
    })
  }
}

/** The first line, 1-based, that is no UTF-8: a line feed is never part of a longer character. */
function firstForeignLine(bytes: Buffer): number {
  for (let line = 1, at = 0; ; line++) {
    const end = bytes.indexOf('\n', at)
    if (end < 0 || !isUtf8(bytes.subarray(at, end))) return line
    at = end + 1
  }
}
