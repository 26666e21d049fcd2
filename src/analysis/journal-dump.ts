import * as fs from 'node:fs'
import { join } from 'node:path'
import { plural } from '../base/plural.js'
import { scanSegment, type JournalRecord } from '../experiment/journal.js'
import { checkSegment, namesOf, type SegmentCheck } from './journal-check.js'

/** What lies in a journal, piece by piece, in order. */
export interface Piece {
  readonly segment: string
  readonly offset: number
  readonly bytes: number
  /** Of a record. */
  readonly sequence?: number
  /** null: whole, but of a version that knows other records. */
  readonly record?: JournalRecord | null
  /** Bytes that belong to no good record. */
  readonly damaged?: true
  /** … because the end of the segment cuts it off. */
  readonly cut?: true
}

/**
 * One segment after the other is read, so that a large journal takes no more memory than one.
 * @param onSegment told of each one before its pieces come
 */
export function* dumpJournal(
  directory: string,
  onSegment: (check: SegmentCheck) => void,
): Generator<Piece, void> {
  for (const segment of namesOf(directory)) {
    const data = fs.readFileSync(join(directory, segment))
    onSegment(checkSegment(segment, data, () => undefined))
    for (const part of scanSegment(data)) {
      const { offset, bytes } = part
      if (part.type === 'record')
        yield { segment, offset, bytes, sequence: part.sequence, record: part.record ?? null }
      else yield { segment, offset, bytes, damaged: true, ...(part.isCut ? { cut: true } : {}) }
    }
  }
}

/** `000001.log     96  #2  given  {"run":"RUN000",…}` */
export function pieceLine({ segment, offset, bytes, sequence, record, cut }: Piece): string {
  const at = `${segment} ${String(offset).padStart(9)}`
  if (sequence === undefined)
    return `${at}  ${cut ? 'CUT OFF' : 'DAMAGED'}  ${plural(bytes, 'byte')} of no good record`
  if (!record) return `${at}  #${sequence}  ?  ${bytes} bytes of another version`
  const { type, ...rest } = record
  return `${at}  #${sequence}  ${type}  ${JSON.stringify(rest)}`
}
