import { copyFile, open, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Writable } from 'node:stream'
import { codeOf, HedError, messageOf } from '../base/errors.js'
import { sha256Thread, type Sha256Thread } from '../base/sha256-thread.js'
import { makeTmpRoot, stageOnce } from '../stage/node-local.js'
import { touchTree } from '../stage/users.js'
import { changedSince, LIST_NAME } from './contents.js'
import { megabytes } from './pack.js'
import { unpackedPath } from './reference.js'
import { digestOf, listFile, readFacts } from './store.js'
import { isFull, requireTar, tar } from './tar.js'

/** Bytes read at once: fewer calls for more memory. */
const CHUNK = 1 << 20
/** Pieces under way: to the digest, to tar, or being read. */
const SLOTS = 4

/**
 * Bring an image onto this node: unpacked beside its place, compared with its digest on the way, published by a
 * rename. One that is there, and as it was, is used again. The image is read once, from its beginning to its end.
 *
 * @param image its file in the folder of images
 * @param tmpRoot node-local folder, which only this user may enter
 * @param copy the same file elsewhere, such as one that was sent to this node; with `.json` and `.files` beside it
 *   nothing is read from the folder of images
 * @throws HedError USAGE where it is not safe or has no room, DATA where the image is damaged
 */
export async function unpackImage(
  image: string,
  tmpRoot: string,
  { copy = image, onProgress }: { copy?: string; onProgress?: Progress } = {},
): Promise<{ readonly path: string; readonly how: 'found' | 'unpacked' }> {
  const digest = digestOf(image)
  const from = copy !== image && readFacts(copy) ? copy : image
  const facts = digest === undefined ? undefined : readFacts(from)
  if (digest === undefined || !facts)
    throw new HedError('USAGE', `${image}: no image, want images/DIGEST.tar of ENV_DIR`, {
      hint: 'upf-heds env list shows the images.',
    })
  await makeTmpRoot(tmpRoot)
  const path = unpackedPath(tmpRoot, digest)
  const verify = (folder: string) => {
    const changed = changedSince(folder, digest)
    return changed === undefined
      ? Promise.resolve()
      : Promise.reject(new HedError('DATA', `${folder}/${changed}: not as unpacked`))
  }
  const how = await stageOnce(path, verify, async folder => {
    await requireTar()
    await requireRoom(tmpRoot, image, facts.unpacked, facts.files + facts.folders + facts.links)
    try {
      await unpack(copy, folder, digest, onProgress)
      await copyFile(listFile(from), join(folder, LIST_NAME))
    } catch (error) {
      if (!isFull(error) && !['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error
      throw noRoom(tmpRoot, image, facts.unpacked, await freeIn(tmpRoot), error)
    }
  })
  await touchTree(tmpRoot, basename(path))
  return { path, how: how === 'found' ? 'found' : 'unpacked' }
}

/** Bytes done, bytes in all. */
export type Progress = (done: number, all: number) => void

async function unpack(
  file: string,
  folder: string,
  digest: string,
  onProgress?: Progress,
): Promise<void> {
  const unreadable = (error: unknown) => {
    throw new HedError('DATA', `${file}: cannot be read: ${codeOf(error) ?? messageOf(error)}`, {
      hint: DAMAGED,
      cause: error,
    })
  }
  const source = await open(file).catch(unreadable)
  const memory = new SharedArrayBuffer(SLOTS * CHUNK)
  const hash = sha256Thread(memory)
  try {
    const { size } = await source.stat()
    const read: Read = slot =>
      source.read(Buffer.from(memory), slot * CHUNK, CHUNK, null).catch(unreadable)
    const feed = (stdin: Writable) =>
      passOn(read, memory, hash, stdin, done => onProgress?.(done, size))
    const safe = ['--no-same-owner', '--same-permissions', '--keep-old-files']
    await tar(
      ['--extract', '--file=-', `--directory=${folder}`, ...safe, ...QUICK],
      feed,
      `${file}: cannot be unpacked in ${folder}`,
    ).catch((error: unknown) => {
      if (error instanceof HedError && !isFull(error))
        throw new HedError('DATA', error.message, { hint: DAMAGED, cause: error })
      throw error
    })
    if ((await hash.digest()) === digest) return
  } finally {
    hash.close()
    await source.close()
  }
  throw new HedError('DATA', `${file}: is damaged: its bytes have not the digest of its name`, {
    hint: DAMAGED,
  })
}

/** The next bytes of the file, to one of the slots. */
type Read = (slot: number) => Promise<{ readonly bytesRead: number }>

/** A file is read once: each of its pieces goes to the digest and to tar at the same time. */
async function passOn(
  read: Read,
  memory: SharedArrayBuffer,
  hash: Sha256Thread,
  stdin: Writable,
  onDone: (bytes: number) => void,
): Promise<void> {
  const bytes = Buffer.from(memory)
  const free: Promise<unknown>[] = Array.from({ length: SLOTS }, () => Promise.resolve())
  let done = 0
  for (let turn = 0; ; turn++) {
    const slot = turn % SLOTS
    await free[slot]
    const { bytesRead } = await read(slot)
    if (bytesRead === 0) break
    const piece = bytes.subarray(slot * CHUNK, slot * CHUNK + bytesRead)
    free[slot] = Promise.all([hash.add(slot * CHUNK, bytesRead), written(stdin, piece)])
    free[slot].catch(() => undefined) // told where it is waited for
    onDone((done += bytesRead))
  }
  await Promise.all(free)
  stdin.end()
}

function written(stdin: Writable, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.write(piece, error => (error ? reject(error) : resolve()))
  })
}

const DAMAGED = 'upf-heds env verify tells more; pack the folder again.'
/** A clock that differs a little is no fault; records of the size of a pipe. */
const QUICK = ['--warning=no-timestamp', '--blocking-factor=128']

async function requireRoom(
  tmpRoot: string,
  image: string,
  size: number,
  entries: number,
): Promise<void> {
  const { ffree, files } = await statfs(tmpRoot)
  const free = await freeIn(tmpRoot)
  if (free < size) throw noRoom(tmpRoot, image, size, free)
  if (files > 0 && ffree < entries)
    throw new HedError('USAGE', `${tmpRoot}: ${image} has ${entries} files, ${ffree} more may be`, {
      hint: ROOM,
    })
}

async function freeIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function noRoom(tmpRoot: string, image: string, size: number, free: number, cause?: unknown) {
  const text = `${tmpRoot}: ${image} takes ${megabytes(size)} unpacked, ${megabytes(free)} are free`
  return new HedError('USAGE', text, { hint: ROOM, cause })
}

const ROOM = 'Make room there, or set TMP_ROOT to a larger node-local disk.'
