import { runId, type RunId } from '../../src/base/ids.js'
import {
  NOTHING_BEFORE,
  newLeader,
  type AgentId,
  type Effect,
  type Leader,
  type LeaderSettings,
} from '../../src/engine/leader-state.js'
import { onMessage } from '../../src/engine/leader.js'
import type { Fate } from '../../src/experiment/fate.js'
import { PROTOCOL, type FromAgent } from '../../src/engine/protocol.js'

/** A leader and its agents for tests: whatever they know of the leader's inside is here. */

/** In seconds: suspect after 30 of silence, lost after 120. */
const SETTINGS: LeaderSettings = {
  crashLimit: 3,
  beat: 5,
  suspect: 30,
  lost: 120,
  maxFailed: Infinity,
  deadline: Infinity,
  prefetch: 1,
}

export const id = (n: number): RunId => runId(`RUN${String(n).padStart(3, '0')}`)!

/** What a test wants otherwise. */
interface Wishes {
  readonly retries?: number
  /** MB; -1: no limit. */
  readonly memory?: number
  readonly settings?: Partial<LeaderSettings>
  /** Given out by an earlier leader: number of the RUN and attempt. */
  readonly orphans?: readonly (readonly [n: number, attempt: number])[]
}

/** A leader of `runs` RUNs that has given out none. */
export function newRig(runs: number, wishes: Wishes = {}): Leader {
  const { retries = 5, memory = -1, settings = {}, orphans = [] } = wishes
  const plan = Array.from({ length: runs }, (_, n) => ({
    run: id(n),
    line: n + 1,
    params: {},
    origins: {},
    resolved: {},
    retries,
    timeout: -1,
    memory,
    digest: `d${n}`,
  }))
  return newLeader(
    plan,
    { ...SETTINGS, ...settings },
    {
      ...NOTHING_BEFORE,
      attempts: new Map(orphans.map(([n, attempt]) => [id(n), attempt])),
      orphans: new Set(orphans.map(([n]) => id(n))),
    },
  )
}

/** An agent, on a node of its own, says hello, stages and asks for a RUN for each slot, all at 0 s. */
export function join(leader: Leader, who: AgentId, rank: number, slots = 1): Effect[] {
  const place = { rank, host: 'h', node: `n${rank}`, pid: rank, slots }
  const hello: FromAgent = {
    type: 'hello',
    protocol: PROTOCOL,
    ...place,
    held: [],
    phase: 'closed',
  }
  const ready = Array.from({ length: slots }, (_, slot) => ({ ...READY, slot }))
  return [hello, { type: 'staged' } as const, ...ready].flatMap(m => onMessage(leader, who, m, 0))
}

export const READY: FromAgent & { type: 'ready' } = { type: 'ready', slot: 0 }

/** A beat of an agent that has no RUN. */
export const IDLE_BEAT: FromAgent & { type: 'beat' } = {
  type: 'beat',
  health: { lagP99: 0, lagMax: 0, rss: 0 },
  inventory: { phase: 'open', held: [], idle: [0] },
}

/** A beat of an agent that has one. */
export function busyBeat(n: number, attempt: number): FromAgent {
  const inventory = { phase: 'open', held: [{ slot: 0, run: id(n), attempt }], idle: [] } as const
  return { type: 'beat', health: { lagP99: 0, lagMax: 0, rss: 0 }, inventory }
}

export function ended(n: number, attempt: number, fate: Fate): FromAgent {
  return { type: 'ended', slot: 0, run: id(n), attempt, fate, message: 'why' }
}

export function done(n: number, attempt: number): FromAgent & { type: 'done' } {
  const finish = {
    marker: 'm',
    epochs: 3,
    reason: 'completed',
    seconds: 60,
    durable: true,
  }
  return { type: 'done', slot: 0, run: id(n), attempt, finish }
}

/** What is known of a RUN, and who has it. */
export function known(leader: Leader, n: number) {
  const { state, attempt, slot, tally, progress } = leader.runs.get(id(n))!
  return { state, attempt, agent: slot?.agent.id, tally, progress }
}

/** Who gets a RUN by these effects. */
export function given(effects: readonly Effect[]): AgentId[] {
  return effects.flatMap(e => (e.do === 'send' && e.message.type === 'run' ? [e.to] : []))
}
