import * as fs from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '../base/digest.js'
import { syncDirectory } from '../base/files.js'

/**
 * Append-only journal of what the leader decided. It is an index: markers on disk are the truth.
 *
 *     segment   NNNNNN.log, one a leader's life, in order
 *     record    magic u32 │ sequence u32 │ length u32 │ crc32 u32 of sequence, length and payload │ payload (JSON)
 *               all little-endian
 *
 * Every record begins with the magic, so a reader finds the next good one after a damaged middle.
 */
const MAGIC = 0x4a444548 // 'HEDJ'
const HEAD = 16
/** No honest record is longer; a longer length is damage. */
const MAX_RECORD = 16 * 1024 * 1024

/** Records wait at most this long for others to share their fdatasync, in ms. */
const GROUP_MS = 5

export interface Journal {
  /** Resolves when the record is durable. */
  append(record: unknown): Promise<void>
  close(): Promise<void>
}

/** Start a new segment after those in `directory`, which is made if it is not there. */
export async function openJournal(directory: string): Promise<Journal> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const last = segments(directory).at(-1)
  const number = last === undefined ? 1 : Number.parseInt(last, 10) + 1
  const path = join(directory, `${String(number).padStart(6, '0')}.log`)
  const file = await open(path, 'ax', 0o600)
  await syncDirectory(directory)
  return writer(file)
}

export interface JournalContent {
  readonly records: readonly unknown[]
  /** Bytes that belong to no good record: a cut tail, a damaged middle. */
  readonly damaged: number
}

/** Everything that can be read. A missing directory is an empty journal. */
export function readJournal(directory: string): JournalContent {
  const records: unknown[] = []
  let damaged = 0
  for (const name of segments(directory)) {
    const part = parseSegment(fs.readFileSync(join(directory, name)))
    records.push(...part.records)
    damaged += part.damaged
  }
  return { records, damaged }
}

/** Records of one segment, in order; what is no good record is skipped and counted. */
export function parseSegment(bytes: Buffer): JournalContent {
  const records: unknown[] = []
  let damaged = 0
  let at = 0
  while (at < bytes.length) {
    const record = parseRecord(bytes, at)
    if (record) {
      records.push(record.value)
      at = record.end
    } else {
      at++
      damaged++
    }
  }
  return { records, damaged }
}

/** One record as it lies in a segment. */
export function encodeRecord(sequence: number, record: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(record))
  const bytes = Buffer.alloc(HEAD + payload.length)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(sequence, 4)
  bytes.writeUInt32LE(payload.length, 8)
  payload.copy(bytes, HEAD)
  bytes.writeUInt32LE(checksum(bytes, 0, payload.length), 12)
  return bytes
}

function parseRecord(bytes: Buffer, at: number): { value: unknown; end: number } | undefined {
  if (at + HEAD > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined
  const length = bytes.readUInt32LE(at + 8)
  const end = at + HEAD + length
  if (length > MAX_RECORD || end > bytes.length) return undefined
  if (bytes.readUInt32LE(at + 12) !== checksum(bytes, at, length)) return undefined
  return { value: JSON.parse(bytes.toString('utf8', at + HEAD, end)) as unknown, end }
}

function checksum(bytes: Buffer, at: number, length: number): number {
  const head = crc32(bytes.subarray(at + 4, at + 12))
  return crc32(bytes.subarray(at + HEAD, at + HEAD + length), head)
}

function segments(directory: string): string[] {
  if (!fs.existsSync(directory)) return []
  return fs
    .readdirSync(directory)
    .filter(name => /^\d{6}\.log$/.test(name))
    .sort()
}

/** Group commit: all that is there is written with one write and one fdatasync. */
function writer(file: FileHandle): Journal {
  let sequence = 0
  let waiting: { bytes: Buffer; resolve: () => void; reject: (error: unknown) => void }[] = []
  let running: Promise<void> | undefined
  const commit = async () => {
    while (waiting.length > 0) {
      await new Promise(resolve => setTimeout(resolve, waiting.length < 16 ? 0 : GROUP_MS))
      const group = waiting
      waiting = []
      try {
        await file.appendFile(Buffer.concat(group.map(g => g.bytes)))
        await file.datasync()
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    running = undefined
  }
  return {
    append: record =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ bytes: encodeRecord(++sequence, record), resolve, reject })
        running ??= commit()
      }),
    close: async () => {
      await running
      await file.close()
    },
  }
}
