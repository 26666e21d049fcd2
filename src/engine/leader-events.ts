import type { RunId } from '../base/ids.js'
import type { Progress } from '../experiment/workflow.js'
import type { Leader, Run } from './leader-state.js'

/** What the leader tells its launcher, one JSON line each: for the live view. */
export type LeaderEvent =
  | { readonly type: 'begin'; readonly runs: number; readonly finished: readonly RunId[] }
  | {
      readonly type: 'run'
      readonly run: RunId
      readonly state: 'waiting' | 'running' | 'finished' | 'failed'
      readonly attempt: number
      readonly rank?: number
      readonly epochs: number
      readonly reason: string
      readonly progress?: Progress
    }
  /** Many that did what they should. */
  | { readonly type: 'finished'; readonly runs: readonly RunId[] }
  | { readonly type: 'alert'; readonly text: string }
  | {
      readonly type: 'end'
      readonly exit: number
      readonly reason: string
      readonly finished: number
      readonly failed: number
      readonly left: number
    }

/** More RUNs than this that finish between two looks are told in one event: nobody reads so fast. */
const MANY = 20

/** What is to be told of RUNs that have changed. */
export function eventsOf(leader: Leader, changed: Iterable<RunId>): LeaderEvent[] {
  const finished: RunId[] = []
  const events: LeaderEvent[] = []
  for (const id of changed) {
    const run = leader.runs.get(id)!
    if (run.state === 'finished') finished.push(id)
    // one that is given ahead and has not begun is nothing that a person would want to see
    else if (!run.slot || run.slot.orders[0] === id) events.push(describe(run))
  }
  if (finished.length > MANY) return [...events, { type: 'finished', runs: finished }]
  return [...events, ...finished.map(id => describe(leader.runs.get(id)!))]
}

/** One RUN as it stands. */
function describe(run: Run): LeaderEvent {
  const rank = run.slot?.agent.rank
  return {
    type: 'run',
    run: run.plan.run,
    state: run.state,
    attempt: run.attempt,
    epochs: run.epochs,
    reason: run.reason,
    ...(rank === undefined ? {} : { rank }),
    ...(run.progress === undefined ? {} : { progress: run.progress }),
  }
}

/** One line from the leader; undefined if it is none of ours. */
export function parseLeaderEvent(line: string): LeaderEvent | undefined {
  try {
    return JSON.parse(line) as LeaderEvent
  } catch {
    return undefined
  }
}
