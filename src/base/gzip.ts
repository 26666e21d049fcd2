import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { constants, deflateRaw } from 'node:zlib'
import { crc32 } from './digest.js'

const deflate = promisify<Buffer, object, Buffer>(deflateRaw)

/** Bytes that one thread compresses at once: many more than the 32 kB that deflate looks back. */
const PIECE = 2 ** 20

/** Magic bytes, deflate, no name, no time, from Unix: RFC 1952. */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
/** An empty last block: the pieces before it are none. */
const END = Buffer.from([3, 0])

/**
 * One gzip stream (RFC 1952) whose pieces of 1 MB are compressed side by side, on as many cores as libuv has threads (4).
 * Equal bytes make equal streams, on however many cores, and however they come in.
 * @param level of zlib, 0 … 9
 */
export async function* gzip(
  content: AsyncIterable<Buffer>,
  level: number,
): AsyncGenerator<Buffer, void> {
  const options = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: PIECE }
  const packed: Promise<Buffer>[] = []
  let crc = 0
  let size = 0
  yield HEAD
  for await (const piece of pieces(content)) {
    crc = crc32(piece, crc)
    size += piece.length
    const next = deflate(piece, options)
    next.catch(() => undefined) // it is waited for in its turn, which may never come
    packed.push(next)
    // one more than run: no core waits for the disk
    if (packed.length > availableParallelism()) yield await packed.shift()!
  }
  for (const piece of packed) yield await piece
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc, 0)
  tail.writeUInt32LE(size % 2 ** 32, 4)
  yield Buffer.concat([END, tail])
}

/** The same bytes in pieces of PIECE, the last of what is left. */
async function* pieces(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let piece = Buffer.allocUnsafe(PIECE)
  let filled = 0
  for await (const chunk of content)
    for (let from = 0; from < chunk.length;) {
      const taken = chunk.copy(piece, filled, from)
      from += taken
      filled += taken
      if (filled < PIECE) continue
      yield piece
      piece = Buffer.allocUnsafe(PIECE)
      filled = 0
    }
  if (filled > 0) yield piece.subarray(0, filled)
}
