import type { RunId } from '../base/ids.js'
import { plural } from '../base/plural.js'
import type { Finish, JournalRecord } from '../experiment/journal.js'
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
  isThere(run: RunId): boolean
  /** Read it and what it vouches for. */
  validate(run: PlannedRun): { readonly epochs: number } | { readonly why: string }
}

/**
 * A RUN that a sound journal has as finished, its marker synced, is looked at once: is it there? Everything
 * else, and all RUNs where the journal is damaged or the plan was another one, is validated whole.
 *
 * @param planId of the plan that will run (plan.ts)
 * @param job of the scheduler: only in the same one may agents still hold RUNs; undefined: they cannot
 */
export function stockOf(
  plan: readonly PlannedRun[],
  planId: string,
  said: Replayed,
  job: string | undefined,
  markers: Markers,
): Stock {
  const { damaged } = said
  const isSound = damaged === 0 && said.plan === planId
  const notes: string[] = []
  if (damaged > 0) notes.push(`journal: ${plural(damaged, 'byte')} of no good record skipped`)
  const finished = new Map<RunId, number>()
  const finishes = new Map<RunId, Finish>()
  const orphans = new Set<RunId>()
  for (const planned of plan) {
    const { run } = planned
    const { finish, isGiven } = said.runs.get(run) ?? NEVER
    const isThere = markers.isThere(run)
    if (isThere && isSound && finish?.durable) {
      finished.set(run, finish.epochs)
      finishes.set(run, finish)
      continue
    }
    if (isThere) {
      const found = markers.validate(planned)
      if ('epochs' in found) {
        finished.set(run, found.epochs)
        if (finish) finishes.set(run, finish)
        continue
      }
      if (finish) notes.push(again(run, found.why))
    } else if (finish) notes.push(again(run, 'it has no marker'))
    if (isGiven && job !== undefined && said.job === job) orphans.add(run)
  }
  const attempts = new Map<RunId, number>()
  for (const [run, { attempt }] of said.runs) attempts.set(run, attempt)
  return { finished, attempts, orphans, finishes, notes }
}

function again(run: RunId, why: string): string {
  return `${run}: the journal has it as finished, but ${why}: it runs again`
}

/** What the journal says of one RUN. */
export interface Said {
  /** The last one. */
  attempt: number
  finish: Finish | undefined
  /** Given out, and no end of it known. */
  isGiven: boolean
}

const NEVER: Said = { attempt: 0, finish: undefined, isGiven: false }

/** What the journal comes to. */
export interface Replayed {
  readonly runs: Map<RunId, Said>
  job: string
  plan: string
  /** Bytes of it that belong to no good record. */
  damaged: number
}

/** What is known before the first record. */
export function newReplay(): Replayed {
  return { runs: new Map(), job: '', plan: '', damaged: 0 }
}

/** One record more. Said twice is said once. */
export function replay(found: Replayed, record: JournalRecord): void {
  switch (record.type) {
    case 'began':
      found.job = record.job
      found.plan = record.plan
      return
    case 'given': {
      const said = seen(found, record.run, record.attempt)
      said.finish = undefined
      said.isGiven = true
      return
    }
    case 'ended': {
      const said = seen(found, record.run, record.attempt)
      if (record.attempt === said.attempt) said.isGiven = false
      return
    }
    case 'finished': {
      const said = seen(found, record.run, record.attempt)
      said.finish = record.finish
      said.isGiven = false
      return
    }
    case 'snapshot':
      for (const [run, attempt, finish, isGiven] of record.runs) {
        const said = seen(found, run, attempt)
        said.attempt = attempt
        if (finish) said.finish = finish
        if (isGiven) said.isGiven = true
      }
      return
    case 'quarantined':
    case 'stopped':
  }
}

/** Any record may be the only one of its attempt that is left. */
function seen({ runs }: Replayed, run: RunId, attempt: number): Said {
  let said = runs.get(run)
  if (!said) runs.set(run, (said = { ...NEVER }))
  if (attempt > said.attempt) said.attempt = attempt
  return said
}
