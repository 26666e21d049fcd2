import type { RunId } from '../base/ids.js'
import type { PlannedRun } from '../experiment/plan.js'
import type { Progress } from '../experiment/workflow.js'
import { NO_FAULTS, type Fate, type Tally } from './fates.js'
import type { Finish, Health, ToAgent } from './protocol.js'

/**
 * What the leader knows. leader.ts and attempts.ts change it, event by event.
 *
 *      waiting ──given to a slot──> running ──done, marker valid──> finished
 *         ^                            │
 *         └── ended, agent gone ───────┴── attempts used up, bad data ──> failed
 *             attempt + 1
 *
 *  An agent:  hello → (staging, if first on its node) → open → a `ready` a slot → … → bye
 *             silent for `suspect`: no new RUNs; for `lost`, or its exit was seen: its RUNs are given out again.
 */
export interface Leader {
  readonly settings: LeaderSettings
  readonly runs: Map<RunId, Run>
  /** RUNs to give out, in UPF order; those given out again go in front. */
  readonly queue: RunId[]
  readonly agents: Map<AgentId, Agent>
  readonly nodes: Map<string, 'staging' | 'staged'>
  /** Set once: no RUN is given out any more. */
  stopping:
    { readonly fate: 'stopped' | 'walltime' | 'bad-data'; readonly reason: string } | undefined
  over: boolean
  /** RUNs by state. */
  readonly counts: Record<RunState, number>
  /** Seconds on a monotonic clock, of the last event. */
  now: number
}

export type RunState = 'waiting' | 'running' | 'finished' | 'failed'

export interface LeaderSettings {
  readonly crashLimit: number
  /** Seconds: an agent silent for longer gets no new RUN. */
  readonly suspect: number
  /** Seconds: an agent silent for longer is gone. */
  readonly lost: number
}

/** Routing id of an agent: `rank-nonce`, so that a rank started again is another agent. */
export type AgentId = string

export interface Agent {
  readonly rank: number
  readonly host: string
  readonly node: string
  readonly pid: number
  opened: boolean
  /** Slots that asked for a RUN and have none. */
  readonly idle: Set<number>
  readonly running: Map<number, RunId>
  /** Seconds on the leader's monotonic clock. */
  heard: number
  health: Health | undefined
}

export interface Run {
  readonly plan: PlannedRun
  state: RunState
  /** Number of the attempt that runs or ran last; 0: never given out. */
  attempt: number
  tally: Tally
  agent: AgentId | undefined
  slot: number
  progress: Progress | undefined
  epochs: number
  /** Why it failed or was given out again, for people. */
  reason: string
}

/** What is written into the journal before an effect that depends on it. */
export type JournalRecord =
  | { readonly type: 'given'; readonly run: RunId; readonly attempt: number; readonly rank: number }
  | {
      readonly type: 'finished'
      readonly run: RunId
      readonly attempt: number
      readonly finish: Finish
    }
  | {
      readonly type: 'ended'
      readonly run: RunId
      readonly attempt: number
      readonly fate: Fate
      readonly final: boolean
      readonly message: string
    }
  | { readonly type: 'stopped'; readonly reason: string }

export type Effect =
  | { readonly do: 'send'; readonly to: AgentId; readonly message: ToAgent }
  /** Make the record durable, then perform `then`. */
  | { readonly do: 'journal'; readonly record: JournalRecord; readonly then: readonly Effect[] }
  | { readonly do: 'alert'; readonly text: string }
  | { readonly do: 'changed'; readonly run: RunId }
  /** Nothing is left to do. Agents have been told. */
  | { readonly do: 'over' }

/** @param finished RUNs whose marker on disk is valid, with their epochs; @param attempts last attempt of each RUN in the journal */
export function newLeader(
  plan: readonly PlannedRun[],
  settings: LeaderSettings,
  finished: ReadonlyMap<RunId, number>,
  attempts: ReadonlyMap<RunId, number>,
): Leader {
  const runs = new Map<RunId, Run>()
  for (const planned of plan) {
    const epochs = finished.get(planned.run)
    runs.set(planned.run, {
      plan: planned,
      state: epochs === undefined ? 'waiting' : 'finished',
      attempt: attempts.get(planned.run) ?? 0,
      tally: NO_FAULTS,
      agent: undefined,
      slot: 0,
      progress: undefined,
      epochs: epochs ?? 0,
      reason: '',
    })
  }
  const queue = [...runs.values()].filter(r => r.state === 'waiting').map(r => r.plan.run)
  const counts = { waiting: queue.length, running: 0, finished: finished.size, failed: 0 }
  return {
    settings,
    runs,
    queue: queue.reverse(), // next RUN is the last element: taking it and putting it back cost nothing
    agents: new Map(),
    nodes: new Map(),
    stopping: undefined,
    over: false,
    counts,
    now: 0,
  }
}

/** The one place where a RUN changes its state, so that the counts hold. */
export function setState(leader: Leader, run: Run, state: RunState): void {
  leader.counts[run.state]--
  leader.counts[state]++
  run.state = state
}
