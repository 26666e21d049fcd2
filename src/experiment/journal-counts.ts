import * as fs from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../base/errors.js'
import { HEAD, isCut, MARK, readU32, recordEnd, segments, type JournalRecord } from './journal.js'

/** How a sweep stands, as the journal of its last leader tells. */
export interface JournalCounts {
  readonly runs: number
  readonly finished: number
  readonly failed: number
  /** In somebody's hands: running, or waiting behind a tiny RUN that runs. */
  readonly running: number
  /** RUNs that were ever given out. */
  readonly begun: number
  /** Finished under this leader. */
  readonly done: number
  /** When it began, ISO 8601, and seconds from there to its last record. */
  readonly began: string
  readonly seconds: number
  /** Of the scheduler, '' without one. */
  readonly job: string
}

/**
 * Count without reading every record: 200,000 of them take tens of ms, where parsing all takes half a second.
 * Heads must join, one record's end being the next one's begin, and sequence numbers too; checksums are left to `journal check`.
 *
 * @returns undefined where the journal cannot tell: there is none, its middle is damaged, or it is an older one
 */
export function countJournal(directory: string): JournalCounts | undefined {
  const counter = newCounter()
  let began: Began
  try {
    const life = lastLife(directory)
    if (!life) return undefined
    ;({ began } = life)
    for (const file of life.files)
      if (!readPieces(file, bytes => count(counter, bytes))) return undefined
  } catch (error) {
    // somebody else's experiment
    if (codeOf(error) === 'EACCES') return undefined
    throw error
  }
  if (!began.counts) return undefined
  const { running, failed, done, first } = counter
  return {
    runs: began.counts.runs,
    finished: began.counts.finished + done,
    failed: failed.size,
    running: running.size,
    begun: began.counts.begun + first,
    done,
    began: began.time,
    seconds: counter.seconds,
    job: began.job,
  }
}

interface Counter {
  sequence: number
  readonly running: Set<string>
  readonly failed: Set<string>
  done: number
  /** RUNs given out for the first time. */
  first: number
  /** Of the last record that tells a time. */
  seconds: number
}

function newCounter(): Counter {
  return {
    sequence: 0,
    running: new Set(),
    failed: new Set(),
    done: 0,
    first: 0,
    seconds: 0,
  }
}

type Began = JournalRecord & { readonly type: 'began' }

/** The segments since the last leader began: one, and one more after each fault of its disk. */
function lastLife(directory: string): { began: Began; files: string[] } | undefined {
  const files: string[] = []
  for (const name of segments(directory).reverse()) {
    const file = join(directory, name)
    files.unshift(file)
    let first: JournalRecord | undefined
    readPieces(file, bytes => {
      const end = recordEnd(bytes, 0)
      if (end === undefined) return isCut(bytes, 0) ? 0 : undefined
      first = payload(bytes, 0, end)
      return undefined
    })
    if (first?.type === 'began') return { began: first, files }
  }
  return undefined
}

/** Larger pieces cost page faults, for their text too; smaller ones calls. */
const PIECE = 64 * 1024

/**
 * A file in pieces of one memory: half the time of a large file goes into fresh memory for it.
 * @param onPiece says how many bytes it is done with; the rest comes again with more behind it. undefined: enough
 * @returns whether all was taken, but for what `onPiece` left of the last piece
 */
function readPieces(file: string, onPiece: (bytes: Buffer) => number | undefined): boolean {
  const fd = fs.openSync(file, 'r')
  try {
    let memory = Buffer.allocUnsafe(PIECE)
    let filled = 0
    for (;;) {
      if (filled === memory.length) memory = Buffer.concat([memory], 2 * filled)
      const read = fs.readSync(fd, memory, filled, memory.length - filled, null)
      // what lies behind a length that is too long is damage, and no cut tail
      if (read === 0) return memory.subarray(1, Math.max(1, filled)).indexOf(MARK) < 0
      filled += read
      const done = onPiece(memory.subarray(0, filled))
      if (done === undefined) return false
      memory.copyWithin(0, done, filled)
      filled -= done
    }
  } finally {
    fs.closeSync(fd)
  }
}

// payloads are JSON.stringify of records whose first keys are type, run and attempt, in this order
const TYPE = '{"type":"'.length
const GIVEN = '{"type":"given","run":"'.length
const FINISHED = '{"type":"finished","run":"'.length
const ATTEMPT = '","attempt":'.length
const [QUOTE, COMMA, ONE] = [0x22, 0x2c, 0x31]

/** @returns bytes of whole records; undefined where the heads do not join */
function count(counter: Counter, bytes: Buffer): number | undefined {
  // one string for all ids of a piece: cheaper than decoding each
  const text = bytes.toString('latin1')
  let last = -1
  let at = 0
  while (at < bytes.length) {
    const end = recordEnd(bytes, at)
    if (end === undefined) {
      // cut off by the end of the piece; or of the file, as a leader leaves it that died while it wrote
      if (!isCut(bytes, at)) return undefined
      break
    }
    const sequence = readU32(bytes, at + 8)
    if (sequence > counter.sequence + 1) return undefined
    // after a fault of the disk the same records may have been written twice
    if (sequence > counter.sequence) {
      counter.sequence = sequence
      if (one(counter, bytes, text, at + HEAD, end)) last = at
    }
    at = end
  }
  if (last >= 0) counter.seconds = secondsOf(payload(bytes, last, recordEnd(bytes, last)!))
  return at
}

/** @returns whether the record tells a time */
function one(counter: Counter, bytes: Buffer, text: string, at: number, end: number): boolean {
  switch (text[at + TYPE]) {
    case 'g': {
      const quote = quoteAfter(bytes, at + GIVEN)
      counter.running.add(text.substring(at + GIVEN, quote))
      const attempt = quote + ATTEMPT
      if (bytes[attempt] === ONE && bytes[attempt + 1] === COMMA) counter.first++
      return true
    }
    case 'f': {
      const run = text.substring(at + FINISHED, quoteAfter(bytes, at + FINISHED))
      counter.done++
      counter.running.delete(run)
      if (counter.failed.size > 0) counter.failed.delete(run) // a late answer
      return true
    }
    case 'e': {
      const record = payload(bytes, at - HEAD, end)
      if (record?.type !== 'ended') return false
      counter.running.delete(record.run)
      if (record.final) counter.failed.add(record.run)
      return true
    }
    case 's': {
      // a snapshot may have RUNs that agents kept from an earlier leader
      if (!bytes.subarray(at, end).includes(',true]')) return false
      const record = payload(bytes, at - HEAD, end)
      if (record?.type === 'snapshot')
        for (const [run, , , isGiven] of record.runs) if (isGiven) counter.running.add(run)
      return false
    }
    default:
      return false
  }
}

/** Sooner there than `indexOf`, as a RUN's id is short. */
function quoteAfter(bytes: Buffer, at: number): number {
  while (at < bytes.length && bytes[at] !== QUOTE) at++
  return at
}

function secondsOf(record: JournalRecord | undefined): number {
  return record && 'at' in record ? record.at : 0
}

function payload(bytes: Buffer, at: number, end: number): JournalRecord | undefined {
  try {
    return JSON.parse(bytes.toString('utf8', at + HEAD, end)) as JournalRecord
  } catch {
    return undefined
  }
}
