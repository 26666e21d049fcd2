import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import { nearest } from '../base/nearest.js'
import { plural } from '../base/plural.js'
import type { Experiment } from '../experiment/exp.js'
import { readJournal, type JournalContent } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import type { LeaderSign, LiveRun, LiveStatus } from '../experiment/live-status.js'
import { validateMarker } from '../experiment/marker.js'
import { readPlan, type PlannedRun } from '../experiment/plan.js'
import type { Params } from '../experiment/workflow.js'
import { historyOf, lastErrorOf, ownerOf, type LastError, type Owner } from './run-files.js'
import { attemptsOf, newAttempt, storyOf, type Attempt, type StoryEvent } from './story.js'

/** Everything that is known of one RUN. */
export interface Explanation {
  readonly run: RunId
  /** `upf.txt:3`; null where the plan is lost. */
  readonly line: string | null
  /** What the workflow made of the line, e.g. `{ index, drug }`. */
  readonly resolved: Params
  /** `running`: in an agent's hands. `waits`: it was begun, and will go on. `damaged`: its marker does not fit what lies there. */
  readonly state: 'finished' | 'damaged' | 'failed' | 'running' | 'waits' | 'not started'
  /** Finished ones, over all attempts. */
  readonly epochs: number
  readonly events: readonly StoryEvent[]
  /** What its leader says of it at this moment. */
  readonly now: LiveRun | null
  readonly marker: MarkerText | null
  /** result.txt: the last val_loss. */
  readonly result: string | null
  /** error.json: the last attempt that failed. */
  readonly error: LastError | null
  /** What a reader of the rest should know: a damaged journal, files put aside. */
  readonly notes: readonly string[]
}

export interface MarkerText {
  readonly valid: boolean
  readonly why: string
  readonly attempt: number | null
  readonly epochs: number | null
  readonly reason: string | null
  readonly time: string | null
}

/**
 * A RUN's story from the journal, its files and its leader.
 * @throws HedError USAGE if there is no such RUN
 */
export function explain(
  exp: Experiment,
  name: string,
  now: { readonly live: LiveStatus | undefined; readonly sign: LeaderSign | undefined },
): Explanation {
  const { run, plan, planNotes } = findRun(exp, name)
  const { content, journalNotes } = journalOf(exp.path)
  const marker = markerOf(exp, run, plan)
  const error = lastErrorOf(exp.path, run)
  const seconds = historyOf(exp.path, run)?.seconds ?? []
  const owner = ownerOf(exp.path, run)
  const known = { marker, ...(error && { error }), ...(owner && { owner }) }
  const events = withFiles(storyOf(content.records, run, content.damaged === 0), known)
  if (!isLed(now)) cutOff(events)
  const running = now.live?.running.find(r => r.run === run) ?? null
  return {
    run,
    line: plan ? `${exp.upf.name}:${plan.line}` : null,
    resolved: plan?.resolved ?? {},
    state: marker?.valid
      ? 'finished'
      : running
        ? 'running'
        : marker
          ? 'damaged'
          : stateOf(events, isLed(now)),
    epochs: epochsOf(events, marker, Math.max(seconds.length, running?.progress?.epoch ?? 0)),
    events,
    now: running,
    marker,
    result: readIfThere(layout.result(exp.path, run))?.trim() ?? null,
    error: error ?? null,
    notes: [
      ...planNotes,
      ...journalNotes,
      ...asideNotes(exp.path, run),
      ...carriedNotes(exp, marker),
    ],
  }
}

type Now = Parameters<typeof explain>[2]

/** As far as this host can tell. */
function isLed({ live, sign }: Now): boolean {
  return live !== undefined || (sign !== undefined && sign.isAlive !== false)
}

/** The marker knows; before it is there, whoever knows of most. */
function epochsOf(events: readonly StoryEvent[], marker: MarkerText | null, seen: number): number {
  if (marker?.valid && marker.epochs !== null) return marker.epochs
  return Math.max(seen, ...attemptsOf(events).map(a => a.epochs ?? 0))
}

/** Of a RUN that has not finished. */
function stateOf(events: readonly StoryEvent[], led: boolean): Explanation['state'] {
  const at = events.findLastIndex(e => e.type === 'attempt')
  const last = events[at]
  if (last?.type !== 'attempt') return 'not started'
  if (last.fate === null) return led && last.message === '' ? 'running' : 'waits'
  // a leader that came later has taken it up again
  const isAgain = events.slice(at).some(e => e.type === 'leader')
  return last.then === 'waits' || isAgain ? 'waits' : 'failed'
}

/** The plan knows all; without it the RUNs that were begun have a folder. */
function findRun(
  exp: Experiment,
  name: string,
): { run: RunId; plan: PlannedRun | undefined; planNotes: string[] } {
  let all: readonly string[]
  let plan: PlannedRun | undefined
  const planNotes: string[] = []
  try {
    const planned = readPlan(exp.path)
    plan = planned.find(p => p.run === name)
    all = planned.map(p => p.run)
  } catch (error) {
    if (!(error instanceof HedError)) throw error
    planNotes.push(error.message)
    all = readdirSync(layout.runs(exp.path))
  }
  if (all.includes(name)) return { run: name as RunId, plan, planNotes }
  const near = nearest(name, all)
  const range = all.length > 0 ? `, ${all[0]!} … ${all.at(-1)!}` : ''
  throw new HedError('USAGE', `${exp.path}: has no RUN "${name}"`, {
    hint: `${near === undefined ? '' : `Is "${near}" meant? `}It has ${plural(all.length, 'RUN')}${range}.`,
  })
}

function journalOf(exp: string): { content: JournalContent; journalNotes: string[] } {
  const content = readJournal(layout.journal(exp))
  const journalNotes =
    content.records.length === 0
      ? ['there is no journal to read: told from the files of the RUN alone']
      : content.damaged > 0
        ? [
            `${plural(content.damaged, 'byte')} of the journal damaged: some of the story may be missing`,
          ]
        : []
  return { content, journalNotes }
}

function markerOf(exp: Experiment, run: RunId, plan: PlannedRun | undefined): MarkerText | null {
  if (readIfThere(layout.marker(exp.path, run)) === undefined) return null
  const expected = plan && {
    params: plan.digest,
    data: exp.data.digest,
    seed: plan.params['seed'] ?? 0,
  }
  const found = validateMarker(exp.path, run, expected)
  const { attempt, epochs, reason, time } = found.marker ?? {}
  return {
    valid: found.valid,
    why: found.valid ? '' : found.why,
    attempt: attempt ?? null,
    epochs: epochs ?? null,
    reason: reason ?? null,
    time: time ?? null,
  }
}

/**
 * What files know and the journal does not, because its leader died before it could write it, or it is damaged.
 */
function withFiles(
  told: readonly StoryEvent[],
  { marker, error, owner }: { marker: MarkerText | null; error?: LastError; owner?: Owner },
): StoryEvent[] {
  const events = [...told]
  const put = (number: number, how: Partial<Attempt>) => {
    const at = events.findLastIndex(e => e.type === 'attempt' && e.attempt === number)
    const known = events[at]
    if (known?.type === 'attempt') {
      if (known.fate === null) events[at] = { ...known, ...how }
      return
    }
    const later = events.findIndex(e => e.type === 'attempt' && e.attempt > number)
    events.splice(later < 0 ? events.length : later, 0, { ...newAttempt(number), ...how })
  }
  if (error) put(error.attempt, { fate: error.fate, message: error.message })
  if (owner) put(owner.attempt, { rank: owner.rank, host: owner.host })
  if (marker?.valid && marker.attempt !== null) {
    const message = marker.reason ?? ''
    put(marker.attempt, { fate: 'finished', ended: marker.time, message, then: 'finished' })
  }
  return events
}

/** Nobody leads, and of the last attempt no end was told. */
function cutOff(events: StoryEvent[]): void {
  const last = events.at(-1)
  if (last?.type === 'attempt' && last.fate === null && last.message === '')
    events.splice(-1, 1, { ...last, message: 'its leader ended before it', then: 'waits' })
}

/** What `resume` put into stale/. */
function asideNotes(exp: string, run: RunId): string[] {
  let names: string[]
  try {
    names = readdirSync(layout.stale(exp))
  } catch {
    return []
  }
  return names
    .filter(name => name.startsWith(`${run}-`) && /^\d+$/.test(name.slice(run.length + 1)))
    .map(name => `files that did not fit together were put into ${join(layout.stale(exp), name)}`)
}

function carriedNotes(exp: Experiment, marker: MarkerText | null): string[] {
  const from = readIfThere(layout.restartFile(exp.path))?.trim()
  const time = marker?.time ?? null
  return from !== undefined && time !== null && time < exp.created
    ? [`carried over from ${from}, where it finished`]
    : []
}
