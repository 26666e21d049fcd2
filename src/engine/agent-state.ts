import type { RunId } from '../base/ids.js'
import type { Fate } from './fates.js'
import type { FromAgent, Order } from './protocol.js'

/**
 * What an agent knows. agent.ts changes it, event by event.
 *
 *  A slot:   closed ──open──> opening ──opened──> idle ──run──> busy ──done │ ended──> idle
 *              ^                 │                  │             │
 *              └── exit ─────────┴──────────────────┴─────────────┘   its executor died: report, start another
 *
 *  The agent: hello → (stage) → open → RUNs → bye. An answer is kept until the leader acks it.
 */
export interface Agent {
  readonly settings: AgentSettings
  readonly slots: Slot[]
  /** Answers the leader has not acked; said again at each beat. */
  readonly unacked: Map<string, FromAgent & { type: 'done' | 'ended' }>
  staging: boolean
  stopping: 'stopped' | 'walltime' | undefined
  /** Seconds on the agent's monotonic clock: when the leader was last heard. */
  heard: number
  over: boolean
}

export interface AgentSettings {
  readonly rank: number
  readonly host: string
  readonly node: string
  readonly pid: number
  readonly slots: number
  /** Seconds without the leader after which the agent stops itself. */
  readonly lost: number
  /** Seconds an executor has to make its state durable after `stop`, before SIGKILL. */
  readonly grace: number
  /** Executors that may die in a row before they were ready. */
  readonly openLimit: number
}

export interface Slot {
  readonly id: number
  state: 'closed' | 'opening' | 'idle' | 'busy'
  order: Order | undefined
  /** Answer of the executor for the running order; sent once it is here. */
  deadline: number | undefined
  /** Why the agent itself ends the executor; decides the fate. */
  ending: { readonly fate: Fate; readonly message: string; readonly kill: number } | undefined
  /** Executors in a row that died before they were ready. */
  openFailures: number
}

/** Slot number of the short-lived executor that stages. */
export const STAGER = -1

export type AgentEffect =
  | { readonly do: 'send'; readonly message: FromAgent }
  | { readonly do: 'spawn'; readonly slot: number }
  | { readonly do: 'tell'; readonly slot: number; readonly message: 'stage' | 'open' | 'stop' }
  | { readonly do: 'order'; readonly slot: number; readonly order: Order }
  | { readonly do: 'kill'; readonly slot: number }
  | {
      readonly do: 'record'
      readonly run: RunId
      readonly attempt: number
      readonly fate: Fate
      readonly message: string
    }
  | { readonly do: 'log'; readonly text: string }
  /** `again`: the launcher should start the rank once more. */
  | { readonly do: 'exit'; readonly again: boolean }

export function newAgent(settings: AgentSettings, now: number): Agent {
  return {
    settings,
    slots: Array.from({ length: settings.slots }, (_, id) => ({
      id,
      state: 'closed' as const,
      order: undefined,
      deadline: undefined,
      ending: undefined,
      openFailures: 0,
    })),
    unacked: new Map(),
    staging: false,
    stopping: undefined,
    heard: now,
    over: false,
  }
}
