import type { RunId } from '../base/ids.js'
import type { Progress } from '../experiment/workflow.js'
import type { Leader } from './leader-state.js'

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
  | { readonly type: 'alert'; readonly text: string }
  | {
      readonly type: 'end'
      readonly exit: number
      readonly reason: string
      readonly finished: number
      readonly failed: number
      readonly left: number
    }

/** One RUN as it stands. */
export function describe(leader: Leader, id: RunId): LeaderEvent {
  const run = leader.runs.get(id)!
  const rank = run.slot?.agent.rank
  return {
    type: 'run',
    run: id,
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
