import * as fs from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '../base/digest.js'
import { runId, type RunId } from '../base/ids.js'
import type { Fate } from './fate.js'

/**
 * Append-only journal of what the leader decided. It is an index: markers on disk are the truth.
 *
 *     segment   NNNNNN.log, one a leader's life and one more after each fault of the disk, in order
 *     record    magic u32 │ crc32 u32 of all that follows │ sequence u32 │ length u32 │ payload (JSON)
 *               all little-endian
 *
 * Every record begins with the magic, so a reader finds the next good one after a damaged middle.
 * A leader that finds records begins its segment with a snapshot; a reader starts at the last whole one.
 * Earlier segments stay: they tell each RUN's story.
 */
const MAGIC = 0x4a444548 // 'HEDJ'
/** Bytes before a payload. */
export const HEAD = 16
/** No honest record is longer; a longer length is damage. */
const MAX_RECORD = 16 * 1024 * 1024

export type JournalRecord =
  /**
   * A leader began. `job` of the scheduler, '' without one; `plan`: planId; `time` ISO 8601.
   * `counts` as it found them, so that a reader of the rest knows how the sweep stands (journal-counts.ts).
   */
  | {
      readonly type: 'began'
      readonly epoch: number
      readonly job: string
      readonly plan: string
      readonly host: string
      readonly time: string
      readonly counts?: { readonly runs: number; readonly finished: number; readonly begun: number }
    }
  | {
      readonly type: 'given'
      readonly run: RunId
      readonly attempt: number
      readonly rank: number
      readonly host: string
      readonly at: number
    }
  | {
      readonly type: 'finished'
      readonly run: RunId
      readonly attempt: number
      readonly finish: Finish
      readonly at: number
    }
  | {
      readonly type: 'ended'
      readonly run: RunId
      readonly attempt: number
      readonly fate: Fate
      readonly final: boolean
      readonly message: string
      /** Epochs that the leader knew of, restarts included. */
      readonly epochs?: number
      readonly at: number
    }
  | { readonly type: 'quarantined'; readonly node: string; readonly on: boolean }
  | { readonly type: 'stopped'; readonly reason: string }
  /** What was known when the leader began, in parts; the last one says how many there are. */
  | {
      readonly type: 'snapshot'
      readonly part: number
      readonly last: boolean
      readonly runs: readonly SnapshotRun[]
    }

/** What an executor says of a finished RUN. */
export interface Finish {
  /** sha256 of stop.marker. */
  readonly marker: string
  readonly epochs: number
  readonly reason: string
  /** That the attempt took; -1 where it only found the marker of an earlier one. */
  readonly seconds: number
  /** false: the marker was not synced, so a restart reads it instead of only looking whether it is there. */
  readonly durable: boolean
}

/** Last attempt of a RUN, what it left if it finished, and whether it may still be in an agent's hands. */
export type SnapshotRun = readonly [
  run: RunId,
  attempt: number,
  finish: Finish | null,
  given: boolean,
]

export interface JournalContent {
  readonly records: readonly JournalRecord[]
  /** Bytes that belong to no good record. */
  readonly damaged: number
}

/**
 * Every segment, for people to look at. A missing directory is an empty journal; a tail that is cut off is
 * no damage, as nothing in it was ever acknowledged.
 */
export function readJournal(directory: string): JournalContent {
  const records: JournalRecord[] = []
  let damaged = 0
  for (const name of segments(directory))
    for (const part of scanSegment(fs.readFileSync(join(directory, name))))
      if (part.type === 'damaged') damaged += part.isCut ? 0 : part.bytes
      else if (part.record) records.push(part.record)
  return { records, damaged }
}

/**
 * What a restart needs: from the last whole snapshot on; everything where there is none.
 * Records are told one by one, so that two hundred thousand need not be held at once.
 *
 * @param begin called before the first record, and again where a snapshot proves to lie in damage
 * @returns bytes that belong to no good record
 */
export function readJournalTail(
  directory: string,
  begin: () => (record: JournalRecord) => void,
): number {
  const names = segments(directory)
  const read = (at: number) => fs.readFileSync(join(directory, names[at]!))
  for (let first = names.length - 1; first >= 0; first--) {
    if (first > 0 && !beginsWithSnapshot(read(first))) continue
    const onRecord = begin()
    const damaged = names.slice(first).map((_, n) => eachRecord(read(first + n), onRecord))
    if (first === 0 || damaged[0] === 0) return damaged.reduce((sum, n) => sum + n, 0)
  }
  begin()
  return 0
}

/** Records of one segment, in order; what is no good record is skipped and counted, a cut tail too. */
export function parseSegment(bytes: Buffer): JournalContent {
  const records: JournalRecord[] = []
  const damaged = eachRecord(bytes, record => records.push(record))
  return { records, damaged }
}

/** @returns bytes that belong to no good record */
function eachRecord(bytes: Buffer, onRecord: (record: JournalRecord) => void): number {
  let damaged = 0
  let at = 0
  while (at < bytes.length) {
    const found = parseRecord(bytes, at)
    const end = found?.end ?? endOfDamage(bytes, at)
    if (found?.value) onRecord(found.value)
    if (!found) damaged += end - at
    at = end
  }
  return damaged
}

/** What lies at an offset of a segment; offsets and lengths in bytes. */
export type Stretch = { readonly offset: number; readonly bytes: number } & (
  | {
      readonly type: 'record'
      readonly sequence: number
      /** Undefined where it is whole, but of a version that knows other records. */
      readonly record: JournalRecord | undefined
    }
  /** `isCut`: the beginning of a record that the end of the segment cuts off, as a dying leader leaves it. */
  | { readonly type: 'damaged'; readonly isCut: boolean }
)

/** All of a segment, in order and without gaps. */
export function* scanSegment(bytes: Buffer): Generator<Stretch, void> {
  let at = 0
  while (at < bytes.length) {
    const found = parseRecord(bytes, at)
    if (found) {
      const sequence = bytes.readUInt32LE(at + 8)
      yield { type: 'record', offset: at, bytes: found.end - at, sequence, record: found.value }
      at = found.end
      continue
    }
    const end = endOfDamage(bytes, at)
    const cut = end === bytes.length && isCut(bytes, at)
    yield { type: 'damaged', offset: at, bytes: end - at, isCut: cut }
    at = end
  }
}

/** Where the next record may begin. */
function endOfDamage(bytes: Buffer, at: number): number {
  const next = bytes.indexOf(MARK, at + 1)
  return next < 0 ? bytes.length : next
}

/** One record as it lies in a segment. */
export function encodeRecord(sequence: number, record: unknown): Buffer {
  return encodeRecords(sequence, [JSON.stringify(record)])
}

/** @param sequence of the first @param payloads JSON texts, one a record @returns them as they lie in a segment */
export function encodeRecords(sequence: number, payloads: readonly string[]): Buffer {
  const lengths = payloads.map(payload => Buffer.byteLength(payload))
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + HEAD + length, 0))
  let at = 0
  for (const [n, payload] of payloads.entries()) {
    const end = at + HEAD + lengths[n]!
    bytes.writeUInt32LE(MAGIC, at)
    bytes.writeUInt32LE((sequence + n) >>> 0, at + 8)
    bytes.writeUInt32LE(lengths[n]!, at + 12)
    bytes.write(payload, at + HEAD)
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end)), at + 4)
    at = end
  }
  return bytes
}

/** Where the record that begins at `at` ends, as its head says; undefined where none can begin. */
export function recordEnd(bytes: Buffer, at: number): number | undefined {
  if (at + HEAD > bytes.length || readU32(bytes, at) !== MAGIC) return undefined
  const length = readU32(bytes, at + 12)
  const end = at + HEAD + length
  return length > MAX_RECORD || end > bytes.length ? undefined : end
}

/** As `readUInt32LE`, which takes three times as long until V8 has optimised its caller. */
export function readU32(bytes: Buffer, at: number): number {
  const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  return word >>> 0
}

/** Names of the segments, in order. */
export function segments(directory: string): string[] {
  if (!fs.existsSync(directory)) return []
  return fs
    .readdirSync(directory)
    .filter(name => /^\d{6}\.log$/.test(name))
    .sort()
}

export const MARK = Buffer.alloc(4)
MARK.writeUInt32LE(MAGIC)

/** Is the head of the segment a snapshot, all its parts there? */
function beginsWithSnapshot(bytes: Buffer): boolean {
  let parts = 0
  for (let at = 0; ;) {
    const found = parseRecord(bytes, at)
    if (!found) return false
    at = found.end
    if (found.value?.type !== 'snapshot') continue
    if (found.value.part !== parts++) return false
    if (found.value.last) return true
  }
}

/** Does the beginning of a record lie there, which the end of the segment cuts off? */
export function isCut(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at)
  if (!rest.subarray(0, MARK.length).equals(MARK.subarray(0, rest.length))) return false
  if (rest.length < HEAD) return true
  const length = rest.readUInt32LE(12)
  return length <= MAX_RECORD && HEAD + length > rest.length
}

/** @returns undefined where no whole record begins; `value` undefined where its content is none of ours */
function parseRecord(
  bytes: Buffer,
  at: number,
): { value: JournalRecord | undefined; end: number } | undefined {
  const end = recordEnd(bytes, at)
  if (end === undefined) return undefined
  if (bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, end))) return undefined
  try {
    return { value: check(JSON.parse(bytes.toString('utf8', at + HEAD, end))), end }
  } catch {
    return { value: undefined, end }
  }
}

/** Records of another version that we do not know are passed over. */
function check(value: unknown): JournalRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const record = value as JournalRecord
  switch (record.type) {
    case 'given':
    case 'ended':
    case 'finished':
      return runId(record.run) !== undefined && Number.isInteger(record.attempt)
        ? record
        : undefined
    case 'snapshot':
      return Array.isArray(record.runs) ? record : undefined
    case 'began':
    case 'quarantined':
    case 'stopped':
      return record
    default:
      return undefined
  }
}
