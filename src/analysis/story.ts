import type { RunId } from '../base/ids.js'
import type { Fate } from '../experiment/fate.js'
import type { JournalRecord } from '../experiment/journal.js'

/** What happened to one RUN, in order. Times are ISO 8601; null where nobody tells. */
export type StoryEvent =
  | {
      readonly type: 'leader'
      readonly epoch: number
      readonly host: string
      /** Of the scheduler, '' without one. */
      readonly job: string
      readonly time: string
    }
  | Attempt
  /** A node on which it had run. */
  | { readonly type: 'quarantined'; readonly node: string; readonly on: boolean }
  | { readonly type: 'stopped'; readonly reason: string }

export interface Attempt {
  readonly type: 'attempt'
  readonly attempt: number
  readonly rank: number | null
  readonly host: string | null
  /** When it was given out. */
  readonly given: string | null
  /** When its end was known. */
  readonly ended: string | null
  /** That it took. */
  readonly seconds: number | null
  /** Reached, those of earlier attempts included. */
  readonly epochs: number | null
  /** null: no end of it is known, perhaps because it runs. */
  readonly fate: Fate | 'finished' | null
  readonly message: string
  /** What it came to. */
  readonly then: 'finished' | 'waits' | 'given up' | null
}

/**
 * The story of a RUN as the journal tells it; empty where it never names it.
 * @param isWhole nothing of the journal is damaged, so that what it does not tell was not there
 */
export function storyOf(
  records: readonly JournalRecord[],
  run: RunId,
  isWhole = true,
): StoryEvent[] {
  const events: StoryEvent[] = []
  let leader: (StoryEvent & { type: 'leader' }) | undefined
  let shown = true
  const tell = (event: StoryEvent) => {
    if (leader && !shown) events.push(leader)
    shown = true
    events.push(event)
  }
  const time = (at: number) =>
    leader ? new Date(Date.parse(leader.time) + at * 1000).toISOString() : null

  for (const record of records)
    switch (record.type) {
      case 'began': {
        const { epoch, host, job, time } = record
        leader = { type: 'leader', epoch, host, job, time }
        // one that comes while the RUN is on its way is part of its story
        shown = events.length > 0 && !isFinished(events)
        if (shown) events.push(leader)
        break
      }
      case 'given': {
        if (record.run !== run) break
        const { attempt, rank, host, at } = record
        closeOpen(events, isWhole)
        tell({ ...newAttempt(attempt), rank, host, given: time(at) })
        break
      }
      case 'finished': {
        if (record.run !== run) break
        const { attempt, finish, at } = record
        const { seconds, epochs, reason: message } = finish
        const then = 'finished' as const
        end(attempt, { ended: time(at), seconds, epochs, fate: then, message, then })
        cancelOthers(events, attempt)
        break
      }
      case 'ended': {
        if (record.run !== run) break
        const { attempt, fate, message, at } = record
        const then = record.final ? 'given up' : 'waits'
        end(attempt, { ended: time(at), epochs: record.epochs ?? null, fate, message, then })
        break
      }
      case 'quarantined': {
        const { node, on } = record
        const isOurs = attemptsOf(events).some(a => a.host !== null && node.startsWith(a.host))
        if (isOurs && !isFinished(events)) tell({ type: 'quarantined', node, on })
        break
      }
      case 'stopped':
        if (events.length > 0 && !isFinished(events))
          tell({ type: 'stopped', reason: record.reason })
        break
      case 'snapshot':
    }
  return events

  /** Also where the record of its begin is lost, or nobody believed in it any more. */
  function end(number: number, how: Partial<Attempt>): void {
    const at = events.findLastIndex(e => e.type === 'attempt' && e.attempt === number)
    const known = events[at]
    if (known?.type !== 'attempt') {
      closeOpen(events, false)
      tell({ ...newAttempt(number), ...how })
      return
    }
    const { given } = known
    const ended = how.ended ?? null
    const seconds = given && ended ? (Date.parse(ended) - Date.parse(given)) / 1000 : null
    events[at] = { ...known, seconds, ...how }
  }
}

export function attemptsOf(events: readonly StoryEvent[]): Attempt[] {
  return events.filter(e => e.type === 'attempt')
}

export function newAttempt(attempt: number): Attempt {
  return {
    ...{ type: 'attempt', attempt, rank: null, host: null, given: null, ended: null },
    ...{ seconds: null, epochs: null, fate: null, message: '', then: null },
  }
}

function isFinished(events: readonly StoryEvent[]): boolean {
  return attemptsOf(events).some(a => a.fate === 'finished')
}

/** A late answer of an attempt that was given up: the newer one is not needed any more. */
function cancelOthers(events: StoryEvent[], number: number): void {
  for (const [at, event] of events.entries())
    if (event.type === 'attempt' && event.attempt > number && event.fate === null)
      events[at] = { ...event, message: `cancelled: attempt ${number} finished` }
}

/** A newer attempt begins, and of the last one no end was told. */
function closeOpen(events: StoryEvent[], isWhole: boolean): void {
  const at = events.findLastIndex(e => e.type === 'attempt')
  const last = events[at]
  if (last?.type !== 'attempt' || last.fate !== null) return
  const isOrphan = events.slice(at).some(e => e.type === 'leader')
  const message = !isWhole
    ? 'how it ended is lost'
    : isOrphan
      ? 'its leader ended before it'
      : 'given back before it began'
  events[at] = { ...last, message, then: 'waits' }
}
