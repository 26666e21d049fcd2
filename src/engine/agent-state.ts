import type { RunId } from '../base/ids.js'
import type { Fate } from '../experiment/fate.js'
import type { FromAgent, Held, Order, Phase } from './protocol.js'

/**
 * What an agent knows. agent.ts changes it, event by event.
 *
 *  A slot:   closed ──open──> opening ──opened──> idle ──run──> busy ──done │ ended──> idle, or the next in line
 *              ^                 │                  │             │
 *              └── exit ─────────┴──────────────────┴─────────────┘   its executor died: report, start another
 *
 *  The agent: hello → welcome → (stage) → open → RUNs → bye. An answer is kept until the leader acks it.
 *  It outlives its leader: hello to the next one, and what that one lets it keep goes on.
 */
export interface Agent {
  readonly settings: AgentSettings
  readonly slots: Slot[]
  /** Answers the leader has not acked; said again at beats. */
  readonly unacked: Map<string, FromAgent & { type: 'done' | 'ended' }>
  /** Those of them that were there at the last beat: an ack waits for company, so it may yet come. */
  late: ReadonlySet<string>
  /** The last answers: a RUN that arrives twice is not done twice. */
  readonly answered: Set<string>
  /** All that slots have in hand, and perhaps some that they have no longer: most orders need be looked for nowhere. */
  readonly taken: Set<string>
  /** It cannot serve, and has said so; said again at each beat. */
  broken: (FromAgent & { type: 'broken' }) | undefined
  phase: Phase
  /** Since when it is seen to stage. */
  staging: number | undefined
  /** The leader knows us. */
  welcomed: boolean
  stopping: 'stopped' | 'walltime' | undefined
  /** Seconds on the agent's monotonic clock: when the leader was last heard. */
  heard: number
  /** The same clock: when it last said a beat. */
  beaten: number
  over: boolean
}

export interface AgentSettings {
  readonly rank: number
  readonly host: string
  readonly node: string
  readonly pid: number
  readonly slots: number
  /** Seconds between beats. */
  readonly beat: number
  /** Seconds without the leader after which the agent stops itself. */
  readonly lost: number
  /** Seconds an executor has to make its state durable after `stop`, before SIGKILL. */
  readonly grace: number
  /** The same for one that hangs: it will hardly listen. */
  readonly hungGrace: number
  /** Executors that may die in a row before they were ready. */
  readonly openLimit: number
}

export interface Slot {
  readonly id: number
  state: 'closed' | 'opening' | 'idle' | 'busy'
  order: Order | undefined
  /** Tiny RUNs that the executor has in hand and begins by itself after the one that runs. */
  readonly ahead: Order[]
  /** Those that wait behind them. */
  readonly line: Order[]
  /** When the attempt has used up its timeout. */
  deadline: number | undefined
  /** When the attempt last told of progress; undefined before it ever did. */
  progressed: number | undefined
  /** Why the agent itself ends the executor; decides the fate. */
  ending: { readonly fate: Fate; readonly message: string; readonly kill: number } | undefined
  /** Executors in a row that died before they were ready. */
  openFailures: number
  /** Since when an executor is seen to start; undefined if none does. */
  opening: number | undefined
}

/** Slot number of the short-lived executor that stages. */
export const STAGER = -1

export type AgentEffect =
  /** `lazy`: it may wait for other messages. */
  | { readonly do: 'send'; readonly message: FromAgent; readonly lazy?: boolean }
  | { readonly do: 'spawn'; readonly slot: number }
  | {
      readonly do: 'tell'
      readonly slot: number
      readonly message: 'stage' | 'open' | 'leader'
    }
  | {
      readonly do: 'stop'
      readonly slot: number
      readonly run: RunId
      readonly attempt: number
    }
  /** It may come while another RUN runs: the executor begins it when that one has ended. */
  | { readonly do: 'order'; readonly slot: number; readonly order: Order }
  /** Take it back from the executor if it has not begun. */
  | {
      readonly do: 'withdraw'
      readonly slot: number
      readonly run: RunId
      readonly attempt: number
    }
  | { readonly do: 'kill'; readonly slot: number }
  | {
      readonly do: 'record'
      readonly slot: number
      readonly run: RunId
      readonly attempt: number
      readonly fate: Fate
      readonly message: string
    }
  | { readonly do: 'log'; readonly text: string }
  /** `again`: it may begin another life. */
  | { readonly do: 'exit'; readonly again: boolean }

export function newAgent(settings: AgentSettings, now: number): Agent {
  return {
    settings,
    slots: Array.from({ length: settings.slots }, (_, id) => ({
      id,
      state: 'closed' as const,
      order: undefined,
      ahead: [],
      line: [],
      deadline: undefined,
      progressed: undefined,
      ending: undefined,
      openFailures: 0,
      opening: undefined,
    })),
    unacked: new Map(),
    late: new Set(),
    answered: new Set(),
    taken: new Set(),
    broken: undefined,
    phase: 'closed',
    staging: undefined,
    welcomed: false,
    stopping: undefined,
    heard: now,
    beaten: now,
    over: false,
  }
}

/** RUNs in its hands, of each slot the one that runs first. */
export function held(agent: Agent): Held[] {
  return agent.slots.flatMap(({ id, order, ahead, line }) =>
    [...(order ? [order] : []), ...ahead, ...line].map(({ run, attempt }) => ({
      slot: id,
      run,
      attempt,
    })),
  )
}

export function answerKey(run: RunId, attempt: number): string {
  return `${run}/${attempt}`
}
