import type { RunId } from '../base/ids.js'
import type { JournalRecord } from '../experiment/journal.js'
import type { PlannedRun } from '../experiment/plan.js'
import type { Progress } from '../experiment/workflow.js'
import { NO_FAULTS, type Tally } from './fates.js'
import { newPace, type Pace } from './pace.js'
import type { Health, ToAgent } from './protocol.js'

/**
 * What the leader knows. leader.ts and its neighbours change it, event by event.
 *
 *      waiting ──given to a slot──> running ──done, marker valid──> finished
 *         ^                            │
 *         └── ended, agent gone ───────┴── attempts used up, bad data ──> failed
 *             attempt + 1
 *
 *  An agent:  hello → (staging, if first on its node) → open → a `ready` a slot → … → bye
 *             silent for `suspect`: no new RUNs; for `lost`, or its exit was seen: its RUNs are given out again.
 *  A RUN that an earlier leader gave out is an orphan until its agent says hello again, at most for `lost`.
 */
export interface Leader {
  readonly settings: LeaderSettings
  readonly runs: Map<RunId, Run>
  /** RUNs to give out, the next one last; those given out again go to the end. */
  readonly queue: RunId[]
  readonly agents: Map<AgentId, Agent>
  readonly byRank: Map<number, AgentId>
  /** Processes whose rank another one took over while they were known: `rank host pid`. */
  readonly replaced: Set<string>
  readonly nodes: Map<string, Node>
  /** Slots that have nothing to do and may get a RUN, the longest waiting first. */
  readonly idle: Set<Slot>
  readonly orphans: Set<RunId>
  /** Seconds: since when their agents are waited for, the leader's own stalls not counted. */
  orphansSince: number
  readonly pace: Pace
  /** Set once: no RUN is given out any more. */
  stopping:
    { readonly fate: 'stopped' | 'walltime' | 'bad-data'; readonly reason: string } | undefined
  over: boolean
  /** How often a rank could not open, one life after another, since it last served. */
  readonly broken: Map<number, number>
  /** RUNs by state. */
  readonly counts: Record<RunState, number>
  /** Slots of all agents. */
  slots: number
  /** Seconds on a monotonic clock: of the start, and of the last event. */
  readonly began: number
  now: number
}

export type RunState = 'waiting' | 'running' | 'finished' | 'failed'

export interface LeaderSettings {
  readonly crashLimit: number
  /** Seconds between the beats of an agent. */
  readonly beat: number
  /** Seconds: an agent silent for longer gets no new RUN. */
  readonly suspect: number
  /** Seconds: an agent silent for longer is gone. */
  readonly lost: number
  /** Failed RUNs beyond this number stop the sweep. */
  readonly maxFailed: number
  /** On the leader's clock, when the job ends; Infinity: never. */
  readonly deadline: number
  /** RUNs that a slot may have in hand where they are tiny; 1: never one ahead. */
  readonly prefetch: number
}

/** Routing id of an agent: `rank-nonce`, so that a rank started again is another agent. */
export type AgentId = string

export interface Agent {
  readonly id: AgentId
  readonly rank: number
  readonly host: string
  readonly node: Node
  readonly pid: number
  /** Told to open. */
  opened: boolean
  readonly slots: readonly Slot[]
  /** Seconds on the leader's monotonic clock. */
  heard: number
  /** When it came. */
  readonly since: number
  suspect: boolean
  health: Health | undefined
}

export interface Slot {
  readonly agent: Agent
  readonly id: number
  /** RUNs in its hands, the one that runs first. */
  readonly orders: RunId[]
  /** It said that it has nothing to do. */
  ready: boolean
  /** When the RUN that runs was given or came to its turn. */
  since: number
  /** Seconds it has been busy, the running RUN not counted. */
  busy: number
}

/** All agents of one user on one host: they share staged data, and their fate. */
export interface Node {
  readonly name: string
  state: 'bare' | 'staging' | 'staged'
  /** Who was told to stage last. */
  stager: Agent | undefined
  readonly agents: Set<Agent>
  /** RUNs that failed here since the last one that did not. */
  readonly failed: Set<RunId>
  quarantined: boolean
}

export interface Run {
  readonly plan: PlannedRun
  state: RunState
  /** Number of the attempt that runs or ran last; 0: never given out. */
  attempt: number
  tally: Tally
  /** Twice the memory after it ran out once. */
  memoryFactor: 1 | 2
  slot: Slot | undefined
  /** Nodes where it failed. */
  failedOn: readonly Node[]
  /** When it was given out last, or came back. */
  given: number
  progress: Progress | undefined
  epochs: number
  /** Why it failed or was given out again, for people. */
  reason: string
}

export type Effect =
  | { readonly do: 'send'; readonly to: AgentId; readonly message: ToAgent }
  /** Make the record durable, then perform `then`. */
  | { readonly do: 'journal'; readonly record: JournalRecord; readonly then: readonly Effect[] }
  /** Perform `then` when all that was given to the journal before is durable. */
  | { readonly do: 'settled'; readonly then: readonly Effect[] }
  | { readonly do: 'alert'; readonly text: string }
  | { readonly do: 'changed'; readonly run: RunId }
  /** Nothing is left to do. Agents have been told. */
  | { readonly do: 'over' }

/** What an earlier life of the EXP left (stock.ts). */
export interface Before {
  /** RUNs whose marker on disk is valid, with their epochs. */
  readonly finished: ReadonlyMap<RunId, number>
  /** Last attempt of each RUN that was ever given out. */
  readonly attempts: ReadonlyMap<RunId, number>
  /** RUNs that agents of the same job may still have in their hands. */
  readonly orphans: ReadonlySet<RunId>
}

export const NOTHING_BEFORE: Before = {
  finished: new Map(),
  attempts: new Map(),
  orphans: new Set(),
}

/** @param plan in the order in which RUNs shall be given out */
export function newLeader(
  plan: readonly PlannedRun[],
  settings: LeaderSettings,
  before: Before = NOTHING_BEFORE,
  now = 0,
): Leader {
  const runs = new Map<RunId, Run>()
  const counts = { waiting: 0, running: 0, finished: 0, failed: 0 }
  const queue: RunId[] = []
  const orphans = new Set<RunId>()
  for (const planned of plan) {
    const id = planned.run
    const epochs = before.finished.get(id)
    const isOrphan = epochs === undefined && before.orphans.has(id)
    const state = epochs !== undefined ? 'finished' : isOrphan ? 'running' : 'waiting'
    counts[state]++
    if (state === 'waiting') queue.push(id)
    if (isOrphan) orphans.add(id)
    runs.set(id, {
      plan: planned,
      state,
      attempt: before.attempts.get(id) ?? 0,
      tally: NO_FAULTS,
      memoryFactor: 1,
      slot: undefined,
      failedOn: [],
      given: now,
      progress: undefined,
      epochs: epochs ?? 0,
      reason: '',
    })
  }
  return {
    settings,
    runs,
    queue: queue.reverse(), // next RUN is the last element: taking it and putting it back cost nothing
    agents: new Map(),
    byRank: new Map(),
    replaced: new Set(),
    nodes: new Map(),
    idle: new Set(),
    orphans,
    orphansSince: now,
    pace: newPace(),
    stopping: undefined,
    over: false,
    broken: new Map(),
    counts,
    slots: 0,
    began: now,
    now,
  }
}

/** The one place where a RUN changes its state, so that the counts hold. */
export function setState(leader: Leader, run: Run, state: RunState): void {
  leader.counts[run.state]--
  leader.counts[state]++
  run.state = state
}

/** May its slots get RUNs? */
function mayServe(agent: Agent): boolean {
  return !agent.suspect && !agent.node.quarantined
}

/** Slots that have nothing to do come into the pool, or leave it. */
export function pool(leader: Leader, agent: Agent): void {
  const serves = mayServe(agent)
  for (const slot of agent.slots)
    if (serves && slot.ready && slot.orders.length === 0) leader.idle.add(slot)
    else leader.idle.delete(slot)
}

/** The RUN is out of its slot's hands. */
export function release(leader: Leader, run: Run): void {
  const { slot } = run
  leader.orphans.delete(run.plan.run)
  run.slot = undefined
  if (!slot) return
  const at = slot.orders.indexOf(run.plan.run)
  if (at < 0) return
  slot.orders.splice(at, 1)
  if (at > 0) return
  slot.busy += leader.now - slot.since
  slot.since = leader.now
}

/** An answer that is known already: what was made of it may still be on its way to the journal. */
export function ackAgain(to: AgentId, run: RunId, attempt: number): Effect {
  return { do: 'settled', then: [{ do: 'send', to, message: { type: 'ack', run, attempt } }] }
}

export function send(agent: Agent, message: ToAgent): Effect {
  return { do: 'send', to: agent.id, message }
}
