import { runId } from '../../src/base/ids.js'
import { newAgent, type Agent, type AgentEffect } from '../../src/engine/agent-state.js'
import { onLeader } from '../../src/engine/agent.js'
import { onExecutor } from '../../src/engine/executor-events.js'
import type { FromExecutor } from '../../src/engine/executor-protocol.js'
import type { Order } from '../../src/engine/protocol.js'

/** An agent for tests: whatever they know of its inside is here. */

export const RUN = runId('RUN000')!
export const HEALTH = { lagP99: 0, lagMax: 0, rss: 0 }

/** In seconds: without a leader for 120 its lease is over; 10 of grace for what hangs. */
export const SETTINGS = {
  ...{ rank: 1, host: 'h', node: 'n', pid: 7, slots: 1 },
  ...{ beat: 5, lost: 120, grace: 60, hungGrace: 10, openLimit: 3 },
}

export const DONE: FromExecutor = {
  type: 'done',
  finish: { marker: 'm', epochs: 3, reason: 'completed', seconds: 60, durable: true },
}

/** @param timeout seconds, -1 none */
export function order(attempt = 1, timeout = -1): Order {
  const limits = { timeout, patience: 300, memory: -1 }
  return { run: RUN, attempt, params: {}, origins: {}, resolved: {}, digest: 'd', ...limits }
}

/** An agent whose one executor is ready, at 0 s. */
export function opened(): Agent {
  const agent = newAgent(SETTINGS, 0)
  onLeader(agent, { type: 'welcome', keep: [] }, 0)
  onLeader(agent, { type: 'open' }, 0)
  onExecutor(agent, 0, { type: 'opened' }, 0)
  return agent
}

/** `send done`, `tell open`, `kill`, … */
export function kinds(effects: readonly AgentEffect[]): string[] {
  return effects.map(e =>
    e.do === 'send' ? `send ${e.message.type}` : e.do === 'tell' ? `tell ${e.message}` : e.do,
  )
}
