import { unreachable } from '../base/errors.js'
import { onEnded, onStranger } from './answers.js'
import { attemptEnded, finished, givenBack } from './attempts.js'
import { giveOut, topUp, withdraw } from './give-out.js'
import {
  pool,
  send,
  type Agent,
  type AgentId,
  type Effect,
  type Leader,
  type Slot,
} from './leader-state.js'
import { leaveNode, nodeOf, onStaged, releaseIfLast, settle } from './nodes.js'
import { addEpoch } from './pace.js'
import { PROTOCOL, type FromAgent, type Held } from './protocol.js'
import { reconcile, strays } from './reconcile.js'
import { onDeadline, onStop, told } from './stop.js'

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
  if (!agent)
    return message.type === 'hello'
      ? onHello(leader, from, message)
      : onStranger(leader, from, message)
  agent.heard = now
  if (agent.suspect) {
    agent.suspect = false
    pool(leader, agent)
  }
  switch (message.type) {
    case 'hello':
      return [welcome(leader, agent, message.held)] // the answer to the first one was lost
    case 'staged':
      return onStaged(agent.node)
    case 'unstaged':
    case 'broken':
      return onBroken(leader, agent, message)
    case 'ready':
      return onReady(leader, agent, message.slot)
    case 'progress':
      return onProgress(leader, agent, message)
    case 'done': {
      const slot = agent.slots[message.slot]
      const { run, attempt, finish } = message
      return [...finished(leader, from, run, attempt, finish), ...(slot ? topUp(leader, slot) : [])]
    }
    case 'ended':
      return onEnded(leader, agent, message)
    case 'beat':
      agent.health = message.health
      return [
        send(agent, { type: 'beat' }),
        ...reconcile(leader, agent, message.inventory),
        ...giveOut(leader),
      ]
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
  if (leader.byRank.get(agent.rank) === id) leader.byRank.delete(agent.rank)
  leader.slots -= agent.slots.length
  const effects: Effect[] = []
  for (const slot of agent.slots) {
    leader.idle.delete(slot)
    const [running, ...behind] = [...slot.orders]
    for (const run of behind.reverse()) givenBack(leader, leader.runs.get(run)!)
    if (running !== undefined)
      effects.push(...attemptEnded(leader, leader.runs.get(running)!, 'node-lost', why))
  }
  return [...effects, ...leaveNode(leader, agent), ...giveOut(leader)]
}

/** Time passes: leases, orphans, RUNs left in line, the end of the job. */
export function onTick(leader: Leader, now: number): Effect[] {
  leader.now = now
  const { suspect, lost } = leader.settings
  const effects: Effect[] = []
  for (const [id, agent] of leader.agents) {
    agent.heard = Math.min(agent.heard, now) // heard after a stall that was then added to it
    const silent = now - agent.heard
    if (silent > lost) {
      const why = `rank ${agent.rank} on ${agent.host} silent for ${Math.round(silent)} s`
      effects.push({ do: 'alert', text: why }, ...onGone(leader, id, why))
    } else if (silent > suspect && !agent.suspect) {
      agent.suspect = true
      pool(leader, agent)
    }
  }
  if (now - leader.orphansSince > lost)
    for (const id of leader.orphans)
      effects.push(
        ...attemptEnded(leader, leader.runs.get(id)!, 'node-lost', 'its agent did not come back'),
      )
  return [...effects, ...onDeadline(leader), ...giveOut(leader), ...withdraw(leader)]
}

/** The leader itself stood still for `seconds`: nobody else is to blame for that silence. */
export function onStall(leader: Leader, seconds: number): void {
  leader.orphansSince += seconds
  for (const agent of leader.agents.values()) {
    agent.heard += seconds
    if (leader.now - agent.heard > leader.settings.suspect) continue
    agent.suspect = false
    pool(leader, agent)
  }
}

/** Of one agent: far more than the tiles and cores of a node. Each costs memory here. */
const MAX_SLOTS = 4096

function onHello(leader: Leader, from: AgentId, hello: FromAgent & { type: 'hello' }): Effect[] {
  const { rank, host, node, pid, slots, held, phase } = hello
  const refused = (message: string): Effect[] => [
    { do: 'send', to: from, message: { type: 'refused', message } },
  ]
  if (hello.protocol !== PROTOCOL)
    return refused(`rank ${rank} speaks protocol ${hello.protocol}, the leader ${PROTOCOL}`)
  if (slots > MAX_SLOTS)
    return refused(`rank ${rank} has ${slots} slots, the leader takes ${MAX_SLOTS} at most`)
  // the same rank in another life: the earlier one is gone, whatever its lease says
  const earlier = leader.agents.get(leader.byRank.get(rank) ?? '')
  const effects: Effect[] = []
  if (earlier) {
    const process = (of: { host: string; pid: number }) => `${rank} ${of.host} ${of.pid}`
    // unless both live: they would throw each other out for ever
    if (!earlier.suspect && leader.replaced.has(process(hello)))
      return refused(`rank ${rank} is process ${earlier.pid} on ${earlier.host} by now`)
    if (process(earlier) !== process(hello)) leader.replaced.add(process(earlier))
    effects.push(...onGone(leader, earlier.id, `rank ${rank} started anew`))
  }
  const agent: Agent = {
    id: from,
    rank,
    host,
    node: nodeOf(leader, node),
    pid,
    opened: phase === 'open',
    slots: [],
    heard: leader.now,
    since: leader.now,
    suspect: false,
    health: undefined,
  }
  for (let id = 0; id < slots; id++)
    (agent.slots as Slot[]).push({
      agent,
      id,
      orders: [],
      ready: false,
      since: leader.now,
      busy: 0,
    })
  leader.slots += slots
  leader.agents.set(from, agent)
  leader.byRank.set(rank, from)
  agent.node.agents.add(agent)
  if (phase === 'open') agent.node.state = 'staged'
  adopt(leader, agent, held)
  effects.push(welcome(leader, agent, held))
  if (leader.over) return [...effects, send(agent, { type: 'bye', again: false })]
  if (leader.stopping)
    return [...effects, send(agent, { type: 'stop', fate: told(leader.stopping.fate) })]
  if (agent.node.quarantined) effects.push(...releaseIfLast(leader))
  return [...effects, ...settle(agent)]
}

/** Its RUNs of an earlier leader's time are its own again, if nobody else has got them. */
function adopt(leader: Leader, agent: Agent, held: readonly Held[]): void {
  for (const { slot: slotId, run: id, attempt } of held) {
    const run = leader.runs.get(id)
    const slot = agent.slots[slotId]
    if (!run || !slot || !leader.orphans.has(id) || run.attempt !== attempt) continue
    leader.orphans.delete(id)
    run.slot = slot
    run.given = leader.now
    slot.orders.push(id)
  }
}

function welcome(leader: Leader, agent: Agent, held: readonly Held[]): Effect {
  const lost = new Set(
    strays(leader, agent, held).map(e =>
      e.do === 'send' && e.message.type === 'cancel' ? e.message.run : undefined,
    ),
  )
  return send(agent, { type: 'welcome', keep: held.filter(h => !lost.has(h.run)) })
}

/**
 * Staging or opening failed: the agent goes. Its node is looked at again by whoever comes next, so damaged
 * staged data is made anew. What no node could do better stops the sweep: data that is not the EXP's, and a
 * node-local disk that is full where there is no other node.
 */
function onBroken(
  leader: Leader,
  agent: Agent,
  { type, fate, message }: FromAgent & { type: 'unstaged' | 'broken' },
): Effect[] {
  const isFull = fate === 'no-disk' && leader.nodes.size === 1
  const hopeless = type === 'unstaged' && (fate === 'bad-data' || isFull)
  agent.node.state = 'bare'
  const lives = (leader.broken.get(agent.rank) ?? 0) + 1
  leader.broken.set(agent.rank, lives)
  const effects = [
    ...(lives === 1
      ? [{ do: 'alert' as const, text: `rank ${agent.rank} on ${agent.host}: ${message}` }]
      : []),
    ...onGone(leader, agent.id, message),
    send(agent, { type: 'bye', again: !hopeless }),
  ]
  if (hopeless) return [...effects, ...onStop(leader, isFull ? 'stopped' : 'bad-data', message)]
  if (!isServed(leader))
    effects.push(...onStop(leader, 'stopped', `no worker can serve: ${message}`))
  return effects
}

/** Lives in which a rank could not open before nothing is hoped of it. */
const HOPELESS_LIVES = 3

/** Is there a rank that serves, or may yet? One may also come late. */
function isServed(leader: Leader): boolean {
  if (leader.now - leader.began < leader.settings.lost) return true
  for (const { rank } of leader.agents.values()) if (!isHopeless(rank)) return true
  return ![...leader.broken.keys()].every(isHopeless)

  function isHopeless(rank: number): boolean {
    return (leader.broken.get(rank) ?? 0) >= HOPELESS_LIVES
  }
}

function onReady(leader: Leader, agent: Agent, slotId: number): Effect[] {
  const slot = agent.slots[slotId]
  // with orders in its hands for us, they are on their way to it
  if (!slot || slot.orders.length > 0) return []
  slot.ready = true
  leader.broken.delete(agent.rank)
  pool(leader, agent)
  return giveOut(leader)
}

function onProgress(
  leader: Leader,
  agent: Agent,
  message: FromAgent & { type: 'progress' },
): Effect[] {
  const run = leader.runs.get(message.run)
  if (run?.slot?.agent !== agent || run.attempt !== message.attempt) return []
  const before = run.progress?.epoch ?? 0
  run.progress = { ...run.progress, ...message.progress }
  run.epochs = run.progress.epoch ?? run.epochs
  const { epochSeconds } = message.progress
  if (epochSeconds !== undefined && run.epochs > before) addEpoch(leader.pace, epochSeconds)
  return [{ do: 'changed', run: message.run }]
}
