import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import { validateMarker } from '../experiment/marker.js'
import type { PlannedRun } from '../experiment/plan.js'
import type { JournalContent } from './journal.js'
import type { JournalRecord } from './leader-state.js'

/** What a leader finds when it starts: markers are the truth, the journal adds what they cannot say. */
export interface Stock {
  /** RUNs with a valid marker, and their epochs. */
  readonly finished: ReadonlyMap<RunId, number>
  /** Highest attempt of each RUN that was ever given out. */
  readonly attempts: ReadonlyMap<RunId, number>
  /** Lines for the log: where journal and markers do not agree. */
  readonly notes: readonly string[]
}

export function takeStock(
  exp: Experiment,
  plan: readonly PlannedRun[],
  journal: JournalContent,
): Stock {
  const attempts = new Map<RunId, number>()
  const said = new Set<RunId>()
  for (const value of journal.records) {
    const record = value as JournalRecord
    if (record.type === 'given') attempts.set(record.run, record.attempt)
    if (record.type === 'finished') said.add(record.run)
  }
  const finished = new Map<RunId, number>()
  const notes: string[] = []
  if (journal.damaged > 0)
    notes.push(`journal: ${journal.damaged} bytes belong to no good record and were skipped`)
  for (const { run, digest, params } of plan) {
    const found = validateMarker(exp.path, run, {
      params: digest,
      data: exp.data.digest,
      seed: params['seed'] ?? 0,
    })
    if (found.valid) finished.set(run, found.marker.epochs)
    else if (said.has(run))
      notes.push(`${run}: the journal has it as finished, but ${found.why}: it runs again`)
  }
  return { finished, attempts, notes }
}
