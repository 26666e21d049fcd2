import type { RunId } from '../base/ids.js'
import type { Finish, JournalContent } from '../experiment/journal.js'
import type { PlannedRun } from '../experiment/plan.js'
import type { Before } from './leader-state.js'

/** What a leader finds when it starts: markers are the truth, the journal adds what they cannot say. */
export interface Stock extends Before {
  /** What the journal has of finished RUNs that stand, for the snapshot. */
  readonly finishes: ReadonlyMap<RunId, Finish>
  /** Lines for the log: where journal and markers do not agree. */
  readonly notes: readonly string[]
}

/** How the markers are looked at: on disk (stock.ts), or in a test. */
export interface Markers {
  /** Bytes of the marker; undefined where there is none. */
  size(run: RunId): number | undefined
  /** Read it and what it vouches for. */
  validate(run: PlannedRun): { readonly epochs: number } | { readonly why: string }
}

/**
 * A RUN that a sound journal has as finished is looked at once: its marker is there with the size it had.
 * Everything else, and all RUNs where the journal is damaged or the plan was another one, is validated whole.
 *
 * @param planId of the plan that will run (plan.ts)
 * @param job of the scheduler: only in the same one may agents still hold RUNs; undefined: they cannot
 */
export function stockOf(
  plan: readonly PlannedRun[],
  planId: string,
  journal: JournalContent,
  job: string | undefined,
  markers: Markers,
): Stock {
  const said = replay(journal)
  const isSound = journal.damaged === 0 && said.plan === planId
  const notes: string[] = []
  if (journal.damaged > 0)
    notes.push(`journal: ${journal.damaged} bytes belong to no good record and were skipped`)
  const finished = new Map<RunId, number>()
  const finishes = new Map<RunId, Finish>()
  const orphans = new Set<RunId>()
  for (const planned of plan) {
    const { run } = planned
    const finish = said.finished.get(run)
    const size = markers.size(run)
    if (isSound && finish?.durable && size === finish.bytes) {
      finished.set(run, finish.epochs)
      finishes.set(run, finish)
      continue
    }
    if (size !== undefined) {
      const found = markers.validate(planned)
      if ('epochs' in found) {
        finished.set(run, found.epochs)
        if (finish) finishes.set(run, finish)
        continue
      }
      if (finish) notes.push(again(run, found.why))
    } else if (finish) notes.push(again(run, 'it has no marker'))
    if (said.given.has(run) && job !== undefined && said.job === job) orphans.add(run)
  }
  return { finished, attempts: said.attempts, orphans, finishes, notes }
}

function again(run: RunId, why: string): string {
  return `${run}: the journal has it as finished, but ${why}: it runs again`
}

interface Replayed {
  /** Last attempt of each RUN. */
  readonly attempts: Map<RunId, number>
  readonly finished: Map<RunId, Finish>
  /** Given out, and no end of it known. */
  readonly given: Set<RunId>
  job: string
  plan: string
}

/** The journal, record by record. Said twice is said once. */
function replay({ records }: JournalContent): Replayed {
  const found: Replayed = {
    attempts: new Map(),
    finished: new Map(),
    given: new Set(),
    job: '',
    plan: '',
  }
  const { attempts, finished, given } = found
  // any record may be the only one of its attempt that is left
  const seen = ({ run, attempt }: { readonly run: RunId; readonly attempt: number }) =>
    attempts.set(run, Math.max(attempts.get(run) ?? 0, attempt))
  for (const record of records)
    switch (record.type) {
      case 'began':
        found.job = record.job
        found.plan = record.plan
        break
      case 'given':
        seen(record)
        finished.delete(record.run)
        given.add(record.run)
        break
      case 'ended':
        seen(record)
        if (record.attempt === attempts.get(record.run)) given.delete(record.run)
        break
      case 'finished':
        seen(record)
        finished.set(record.run, record.finish)
        given.delete(record.run)
        break
      case 'snapshot':
        for (const [run, attempt, finish, isGiven] of record.runs) {
          attempts.set(run, attempt)
          if (finish) finished.set(run, finish)
          if (isGiven) given.add(run)
        }
        break
      case 'quarantined':
      case 'stopped':
        break
    }
  return found
}
