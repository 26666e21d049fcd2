import { orderOf } from './give-out.js'
import { pool, send, type Agent, type Effect, type Leader } from './leader-state.js'
import { open, stage } from './nodes.js'
import type { Held, Inventory } from './protocol.js'
import { told } from './stop.js'

/**
 * Messages may be lost with a connection. At each beat an agent says what it has; what the leader holds
 * to be otherwise is said again. Everything said twice does no harm.
 */
export function reconcile(leader: Leader, agent: Agent, inventory: Inventory): Effect[] {
  const effects: Effect[] = []
  if (leader.stopping) effects.push(send(agent, { type: 'stop', fate: told(leader.stopping.fate) }))
  if (leader.over) effects.push(send(agent, { type: 'bye', again: false }))
  effects.push(...data(agent, inventory), ...strays(leader, agent, inventory.held))
  if (leader.over) return effects
  const has = new Set(inventory.held.map(h => `${h.run}/${h.attempt}`))
  // also after a stop: an agent that takes nothing more gives back what it never had
  for (const slot of agent.slots)
    for (const id of slot.orders) {
      const run = leader.runs.get(id)!
      // given just now it may be on its way
      const isOld = leader.now - run.given > 2 * leader.settings.beat
      if (isOld && !has.has(`${id}/${run.attempt}`))
        effects.push(send(agent, { type: 'run', slot: slot.id, order: orderOf(leader, run) }))
    }
  if (leader.stopping) return effects
  for (const id of inventory.idle) {
    const slot = agent.slots[id]
    if (slot && slot.orders.length === 0) slot.ready = true
  }
  pool(leader, agent)
  return effects
}

/** RUNs in its hands that are not its own any more. */
export function strays(leader: Leader, agent: Agent, held: readonly Held[]): Effect[] {
  return held.flatMap(({ run: id, attempt }) => {
    const run = leader.runs.get(id)
    const isOwn = run?.state === 'running' && run.attempt === attempt && run.slot?.agent === agent
    return isOwn ? [] : [send(agent, { type: 'cancel', run: id, attempt })]
  })
}

function data(agent: Agent, { phase }: Inventory): Effect[] {
  const { node } = agent
  if (phase === 'staged' && node.state === 'staging') {
    node.state = 'staged'
    return [...node.agents].filter(a => !a.opened || a === agent).map(open)
  }
  if (phase === 'open' || phase === 'staging') return []
  if (node.state === 'staged') return [open(agent)]
  // told to stage, but it does not, or is perhaps dead: nobody of the node may be left waiting
  const isAlone = node.stager === agent || node.stager?.suspect !== false
  return node.state === 'bare' || isAlone ? stage(agent) : []
}
