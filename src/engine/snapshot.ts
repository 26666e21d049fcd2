import type { JournalRecord, SnapshotRun } from '../experiment/journal.js'
import type { Stock } from './replay.js'

/** RUNs in one part: small enough not to hold up the leader. */
const PART = 2000

/** What is known at the start, so that the next start reads this segment and no older one. */
export function* snapshotOf({ attempts, finishes, orphans }: Stock): Iterable<JournalRecord> {
  const runs = [...attempts].map(([run, attempt]): SnapshotRun => [
    run,
    attempt,
    finishes.get(run) ?? null,
    orphans.has(run),
  ])
  for (let at = 0, part = 0; at < Math.max(1, runs.length); at += PART, part++)
    yield {
      type: 'snapshot',
      part,
      last: at + PART >= runs.length,
      runs: runs.slice(at, at + PART),
    }
}
