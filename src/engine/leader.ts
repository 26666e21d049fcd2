import { unreachable } from '../base/errors.js'
import { attemptEnded, finished, giveOut, ifOver } from './attempts.js'
import type { Agent, AgentId, Effect, Leader } from './leader-state.js'
import { PROTOCOL, type FromAgent } from './protocol.js'

/**
 * The leader's decisions, without any input or output: event in, effects out.
 * States and their drawing: leader-state.ts. leader-process.ts performs the effects.
 *
 * @param now seconds on a monotonic clock
 */
export function onMessage(
  leader: Leader,
  from: AgentId,
  message: FromAgent,
  now: number,
): Effect[] {
  leader.now = now
  const agent = leader.agents.get(from)
  if (message.type === 'hello') return agent ? [] : onHello(leader, from, message)
  if (!agent) return onStranger(leader, from, message)
  agent.heard = now
  switch (message.type) {
    case 'staged':
      return onStaged(leader, agent.node)
    case 'unstaged':
    case 'broken':
      return onBroken(leader, from, agent, message)
    case 'ready':
      agent.idle.add(message.slot)
      return giveOut(leader)
    case 'progress':
      return onProgress(leader, message)
    case 'done':
      return onDone(leader, from, agent, message)
    case 'ended':
      return onEnded(leader, from, agent, message)
    case 'beat':
      agent.health = message.health
      return [{ do: 'send', to: from, message: { type: 'beat' } }]
    case 'bye':
      return onGone(leader, from, 'left')
    default:
      return unreachable(message)
  }
}

/** An agent is gone: its exit was seen, or its lease is over. Its RUNs are given out again at once. */
export function onGone(leader: Leader, id: AgentId, why: string): Effect[] {
  const agent = leader.agents.get(id)
  if (!agent) return []
  leader.agents.delete(id)
  const effects: Effect[] = []
  for (const [slot, run] of agent.running)
    effects.push(...attemptEnded(leader, leader.runs.get(run)!, id, slot, 'node-lost', why))
  if (leader.nodes.get(agent.node) === 'staging') {
    // it may have been the one that staged: another of the node takes over
    leader.nodes.delete(agent.node)
    const next = [...leader.agents].find(([, a]) => a.node === agent.node && !a.opened)
    if (next) effects.push(stage(leader, next[0], next[1]))
  }
  return [...effects, ...giveOut(leader)]
}

/** Time passes: leases. */
export function onTick(leader: Leader, now: number): Effect[] {
  leader.now = now
  const effects: Effect[] = []
  for (const [id, agent] of leader.agents)
    if (now - agent.heard > leader.settings.lost) {
      const why = `rank ${agent.rank} on ${agent.host} silent for ${Math.round(now - agent.heard)} s`
      effects.push({ do: 'alert', text: why }, ...onGone(leader, id, why))
    }
  return effects
}

/** The leader itself stood still for `seconds`: nobody else is to blame for that silence. */
export function onStall(leader: Leader, seconds: number): void {
  for (const agent of leader.agents.values()) agent.heard += seconds
}

/** Give out nothing more; whoever trains makes its last epoch durable and ends. */
export function onStop(
  leader: Leader,
  fate: 'stopped' | 'walltime' | 'bad-data',
  reason: string,
): Effect[] {
  if (leader.stopping || leader.over) return []
  leader.stopping = { fate, reason }
  const effects: Effect[] = [{ do: 'journal', record: { type: 'stopped', reason }, then: [] }]
  for (const id of leader.agents.keys())
    effects.push({ do: 'send', to: id, message: { type: 'stop', fate: told(fate) } })
  return [...effects, ...ifOver(leader)]
}

function onHello(leader: Leader, from: AgentId, hello: FromAgent & { type: 'hello' }): Effect[] {
  if (hello.protocol !== PROTOCOL) {
    const message = `rank ${hello.rank} speaks protocol ${hello.protocol}, the leader ${PROTOCOL}`
    return [{ do: 'send', to: from, message: { type: 'refused', message } }]
  }
  const effects: Effect[] = []
  // the same rank in another life: the earlier one is gone, whatever its lease says
  for (const [id, other] of leader.agents)
    if (other.rank === hello.rank)
      effects.push(...onGone(leader, id, `rank ${hello.rank} started anew`))
  const agent: Agent = {
    rank: hello.rank,
    host: hello.host,
    node: hello.node,
    pid: hello.pid,
    opened: false,
    idle: new Set(),
    running: new Map(),
    heard: leader.now,
    health: undefined,
  }
  leader.agents.set(from, agent)
  if (leader.over)
    return [...effects, { do: 'send', to: from, message: { type: 'bye', again: false } }]
  if (leader.stopping)
    return [
      ...effects,
      { do: 'send', to: from, message: { type: 'stop', fate: told(leader.stopping.fate) } },
    ]
  switch (leader.nodes.get(agent.node)) {
    case undefined:
      return [...effects, stage(leader, from, agent)]
    case 'staging':
      return effects // told to open when the node is staged
    case 'staged':
      return [...effects, open(from, agent)]
  }
}

function stage(leader: Leader, id: AgentId, agent: Agent): Effect {
  leader.nodes.set(agent.node, 'staging')
  return { do: 'send', to: id, message: { type: 'stage' } }
}

function open(id: AgentId, agent: Agent): Effect {
  agent.opened = true
  return { do: 'send', to: id, message: { type: 'open' } }
}

function onStaged(leader: Leader, node: string): Effect[] {
  leader.nodes.set(node, 'staged')
  return [...leader.agents]
    .filter(([, a]) => a.node === node && !a.opened)
    .map(([id, a]) => open(id, a))
}

/**
 * Staging or opening failed: the agent goes. Its node is looked at again by whoever comes next, so damaged
 * staged data is made anew. Only data that is not the EXP's stops the sweep: no node could do better.
 */
function onBroken(
  leader: Leader,
  id: AgentId,
  agent: Agent,
  { type, fate, message }: FromAgent & { type: 'unstaged' | 'broken' },
): Effect[] {
  const hopeless = type === 'unstaged' && fate === 'bad-data'
  leader.nodes.delete(agent.node)
  return [
    { do: 'alert', text: `rank ${agent.rank} on ${agent.host}: ${message}` },
    ...onGone(leader, id, message),
    { do: 'send', to: id, message: { type: 'bye', again: !hopeless } },
    ...(hopeless ? onStop(leader, 'bad-data', message) : []),
  ]
}

function onProgress(leader: Leader, message: FromAgent & { type: 'progress' }): Effect[] {
  const run = leader.runs.get(message.run)
  if (run?.state !== 'running' || run.attempt !== message.attempt) return []
  run.progress = { ...run.progress, ...message.progress }
  run.epochs = run.progress.epoch ?? run.epochs
  return [{ do: 'changed', run: message.run }]
}

function onDone(
  leader: Leader,
  from: AgentId,
  agent: Agent,
  { slot, run: id, attempt, finish }: FromAgent & { type: 'done' },
): Effect[] {
  if (agent.running.get(slot) === id) agent.running.delete(slot)
  return [...finished(leader, from, id, attempt, finish), ...ifOver(leader)]
}

function onEnded(
  leader: Leader,
  from: AgentId,
  agent: Agent,
  { slot, run: id, attempt, fate, message }: FromAgent & { type: 'ended' },
): Effect[] {
  const ack: Effect = { do: 'send', to: from, message: { type: 'ack', run: id, attempt } }
  const run = leader.runs.get(id)
  if (agent.running.get(slot) === id) agent.running.delete(slot)
  // an answer said twice, or of an attempt that was given up
  if (run?.state !== 'running' || run.attempt !== attempt || run.agent !== from) return [ack]
  return [...attemptEnded(leader, run, from, slot, fate, message, [ack]), ...giveOut(leader)]
}

/** A message from an agent that is not known (its lease was over): only a finished RUN counts. */
function onStranger(leader: Leader, from: AgentId, message: FromAgent): Effect[] {
  if (message.type === 'done')
    return [
      ...finished(leader, from, message.run, message.attempt, message.finish),
      ...ifOver(leader),
    ]
  if (message.type === 'ended')
    return [
      {
        do: 'send',
        to: from,
        message: { type: 'ack', run: message.run, attempt: message.attempt },
      },
    ]
  if (message.type === 'bye') return []
  return [{ do: 'send', to: from, message: { type: 'refused', message: 'not known here' } }]
}

/** For an agent it is the same whether data or a person stopped the sweep. */
function told(fate: 'stopped' | 'walltime' | 'bad-data'): 'stopped' | 'walltime' {
  return fate === 'walltime' ? fate : 'stopped'
}
