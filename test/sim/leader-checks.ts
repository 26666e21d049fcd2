import type { Leader, RunState } from '../../src/engine/leader-state.js'
import { Violation } from './checks.js'
import type { Scenario } from './scenario.js'

/** What the leader holds must fit together after every event. */
export function checkState(leader: Leader): void {
  const counts: Record<RunState, number> = { waiting: 0, running: 0, finished: 0, failed: 0 }
  const queue = new Set(leader.queue)
  for (const [id, run] of leader.runs) {
    counts[run.state]++
    if (queue.has(id) !== (run.state === 'waiting'))
      throw new Violation(`${run.state} and ${queue.has(id) ? '' : 'not '}in the queue`, id)
    const { slot } = run
    if (run.state !== 'running' && (slot || leader.orphans.has(id)))
      throw new Violation(`${run.state} and in somebody's hands`, id)
    if (run.state === 'running' && leader.orphans.has(id) === (slot !== undefined))
      throw new Violation('runs in nobody’s hands, or is an orphan in an agent’s', id)
    if (slot && !slot.orders.includes(id)) throw new Violation('its slot does not know it', id)
    if (slot && !leader.agents.has(slot.agent.id)) throw new Violation('its agent is gone', id)
  }
  if (queue.size !== leader.queue.length) throw new Violation('a RUN is in the queue twice')
  for (const [state, count] of Object.entries(counts))
    if (leader.counts[state as RunState] !== count)
      throw new Violation(`${leader.counts[state as RunState]} RUNs counted ${state}, not ${count}`)
  checkAgents(leader)
}

function checkAgents(leader: Leader): void {
  let slots = 0
  let orders = 0
  for (const agent of leader.agents.values()) {
    slots += agent.slots.length
    if (!agent.node.agents.has(agent)) throw new Violation(`${agent.id} is not on its node`)
    if (leader.byRank.get(agent.rank) !== agent.id) throw new Violation(`${agent.id} has no rank`)
    for (const slot of agent.slots) orders += slot.orders.length
  }
  if (slots !== leader.slots) throw new Violation(`${leader.slots} slots counted, not ${slots}`)
  if (orders !== leader.counts.running - leader.orphans.size)
    throw new Violation(`${orders} orders and ${leader.counts.running} RUNs that run`)
  for (const { agent, orders: has } of leader.idle)
    if (has.length > 0 || !leader.agents.has(agent.id) || agent.suspect || agent.node.quarantined)
      throw new Violation(`a slot of ${agent.id} is idle and may not be`)
}

/** Nothing grows with time. */
export function checkBounds(leader: Leader, { perNode, ranks }: Scenario, agents: number): void {
  if (leader.agents.size > agents || leader.byRank.size > ranks)
    throw new Violation(`${leader.agents.size} agents known`)
  if (leader.nodes.size > Math.ceil(ranks / perNode)) throw new Violation('too many nodes known')
  const serving = [...leader.nodes.values()].filter(n => n.agents.size > 0)
  if (serving.length > 0 && serving.every(n => n.quarantined))
    throw new Violation('the last node is quarantined')
}
