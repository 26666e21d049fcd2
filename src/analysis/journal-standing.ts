import { codeOf } from '../base/errors.js'
import { readJournal, type JournalRecord } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'

/** How RUNs stand under the last leader, as its journal tells: the same as `countJournal` counts. */
export interface Standing {
  /** Ever given out. */
  readonly begun: ReadonlySet<string>
  /** In somebody's hands when the journal ends. */
  readonly given: ReadonlySet<string>
  /** Given up by the last leader, which tried again what earlier ones had given up. */
  readonly failed: ReadonlySet<string>
}

/**
 * @param isComplete the sweep came to its end: then nothing waits, and what any leader gave up has failed
 * @returns undefined where the journal cannot tell: there is none, it is damaged, or not ours to read
 */
export function readStanding(exp: string, isComplete: boolean): Standing | undefined {
  try {
    const { records, damaged } = readJournal(layout.journal(exp))
    return damaged > 0 || records.length === 0 ? undefined : standingOf(records, isComplete)
  } catch (error) {
    if (codeOf(error) === 'EACCES') return undefined
    throw error
  }
}

function standingOf(records: readonly JournalRecord[], isComplete: boolean): Standing {
  const [begun, given, failed] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const record of records)
    switch (record.type) {
      case 'began':
        given.clear()
        if (!isComplete) failed.clear()
        break
      case 'snapshot':
        for (const [run, attempt, , isGiven] of record.runs) {
          if (attempt > 0) begun.add(run)
          if (isGiven) given.add(run)
        }
        break
      case 'given':
        begun.add(record.run)
        given.add(record.run)
        failed.delete(record.run)
        break
      case 'finished':
        given.delete(record.run)
        failed.delete(record.run) // a late answer
        break
      case 'ended':
        given.delete(record.run)
        if (record.final) failed.add(record.run)
        break
      case 'quarantined':
      case 'stopped':
    }
  return { begun, given, failed }
}
