import type { Fate } from '../experiment/fate.js'
import { giveOut } from './give-out.js'
import {
  pool,
  send,
  type Agent,
  type Effect,
  type Leader,
  type Node,
  type Run,
} from './leader-state.js'

/**
 * What the agents of one node share: data that is staged once, and quarantine.
 *
 *     bare ──first agent told to stage──> staging ──staged──> staged
 *      ^                                     │                  │
 *      └── unstaged, the stager is gone ─────┴── data broken ───┘
 */
export function nodeOf(leader: Leader, name: string): Node {
  let node = leader.nodes.get(name)
  if (!node) {
    node = {
      ...{ name, state: 'bare', stager: undefined, quarantined: false },
      ...{ agents: new Set(), failed: new Set() },
    }
    leader.nodes.set(name, node)
  }
  return node
}

/** Tell a new agent what to do about its node's data. */
export function settle(agent: Agent): Effect[] {
  switch (agent.node.state) {
    case 'bare':
      return stage(agent)
    case 'staging':
      return [] // told to open when the node is staged
    case 'staged':
      return agent.opened ? [] : [open(agent)]
  }
}

export function stage(agent: Agent): Effect[] {
  agent.node.state = 'staging'
  agent.node.stager = agent
  return [send(agent, { type: 'stage' })]
}

export function onStaged(node: Node): Effect[] {
  node.state = 'staged'
  return [...node.agents].filter(a => !a.opened).map(open)
}

export function open(agent: Agent): Effect {
  agent.opened = true
  return send(agent, { type: 'open' })
}

/** An agent has left its node. It may have been the one that staged: another takes over. */
export function leaveNode(leader: Leader, agent: Agent): Effect[] {
  const { node } = agent
  node.agents.delete(agent)
  if (node.agents.size === 0) {
    if (!node.quarantined) leader.nodes.delete(node.name)
    return releaseIfLast(leader)
  }
  if (node.state !== 'staging' || node.stager !== agent) return []
  node.state = 'bare'
  const next = [...node.agents].find(a => !a.opened)
  return next ? stage(next) : []
}

/** Different RUNs in a row that fail on a node before it gets no more. */
const ROW = 3

/** @see engine.md: 3 different RUNs in a row failed there, and one of them finished elsewhere */
export function failedOn(leader: Leader, node: Node, run: Run, fate: Fate): Effect[] {
  if (fate === 'stopped' || fate === 'walltime' || fate === 'node-lost') return []
  node.failed.add(run.plan.run)
  if (!run.failedOn.includes(node)) run.failedOn = [...run.failedOn, node]
  return judge(leader, node)
}

/** @param node where it finished; undefined if that agent is not known any more */
export function finishedOn(leader: Leader, node: Node | undefined, run: Run): Effect[] {
  if (node && node.failed.size > 0) node.failed.clear() // an empty one would make itself a new table each time
  return run.failedOn.flatMap(other => (other.failed.has(run.plan.run) ? judge(leader, other) : []))
}

/** Seconds that a RUN waits for another node than those where it failed; more would hold up the end of a sweep. */
const ELSEWHERE = 600

/** A bad node is soon free again: without this it would take each RUN until its attempts are used up. */
export function avoids(leader: Leader, run: Run, node: Node): boolean {
  if (!run.failedOn.includes(node) || leader.now - run.given > ELSEWHERE) return false
  for (const other of leader.nodes.values())
    if (!run.failedOn.includes(other) && mayTakeIt(other)) return true
  return false
}

function mayTakeIt(node: Node): boolean {
  if (node.quarantined) return false
  for (const { suspect } of node.agents) if (!suspect) return true
  return false
}

function judge(leader: Leader, node: Node): Effect[] {
  if (!serves(node) || node.failed.size < ROW) return []
  const isInnocent = [...node.failed].some(id => leader.runs.get(id)?.state === 'finished')
  if (!isInnocent || !othersServe(leader, node)) return []
  node.quarantined = true
  for (const agent of node.agents) pool(leader, agent)
  const text = `node ${node.name} gets no more RUNs: ${node.failed.size} different ones failed there in a row`
  return [
    { do: 'journal', record: { type: 'quarantined', node: node.name, on: true }, then: [] },
    { do: 'alert', text },
  ]
}

/** Never the last node: a bad one is better than none. */
export function releaseIfLast(leader: Leader): Effect[] {
  if (leader.over) return []
  for (const node of leader.nodes.values()) if (serves(node)) return []
  const effects: Effect[] = []
  for (const node of leader.nodes.values()) {
    if (!node.quarantined || node.agents.size === 0) continue
    node.quarantined = false
    node.failed.clear()
    for (const agent of node.agents) pool(leader, agent)
    effects.push(
      { do: 'journal', record: { type: 'quarantined', node: node.name, on: false }, then: [] },
      { do: 'alert', text: `node ${node.name} is the last one and gets RUNs again` },
    )
  }
  return effects.length > 0 ? [...effects, ...giveOut(leader)] : []
}

function othersServe(leader: Leader, node: Node): boolean {
  for (const other of leader.nodes.values()) if (other !== node && serves(other)) return true
  return false
}

function serves(node: Node): boolean {
  return node.agents.size > 0 && !node.quarantined
}
