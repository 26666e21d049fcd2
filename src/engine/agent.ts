import { unreachable } from '../base/errors.js'
import { answerKey, held, STAGER, type Agent, type AgentEffect, type Slot } from './agent-state.js'
import { begin, exit, giveBack, ifOver, lookAhead, openSlot, ready, stopSlot } from './slots.js'
import { PROTOCOL, type Health, type Held, type Order, type ToAgent } from './protocol.js'

/**
 * An agent's decisions, without any input or output: event in, effects out.
 * States and their drawing: agent-state.ts. agent-process.ts performs the effects.
 */
export function hello(agent: Agent): AgentEffect[] {
  const { rank, host, node, pid, slots } = agent.settings
  const { phase } = agent
  return [
    {
      do: 'send',
      message: {
        ...{ type: 'hello', protocol: PROTOCOL, rank, host, node, pid, slots, phase },
        held: held(agent),
      },
    },
  ]
}

/** Another leader has taken over: it does not know us yet. */
export function onNewLeader(agent: Agent, now: number): AgentEffect[] {
  agent.welcomed = false
  agent.heard = now
  return hello(agent)
}

/** @param now seconds on a monotonic clock */
export function onLeader(agent: Agent, message: ToAgent, now: number): AgentEffect[] {
  agent.heard = now
  switch (message.type) {
    case 'refused':
      return [
        { do: 'log', text: `refused by the leader: ${message.message}` },
        ...exit(agent, false),
      ]
    case 'unknown':
      return agent.welcomed ? exit(agent, true) : []
    case 'welcome':
      return onWelcome(agent, message.keep, now)
    case 'stage':
      if (agent.phase !== 'closed') return []
      agent.phase = 'staging'
      return [
        { do: 'spawn', slot: STAGER },
        { do: 'tell', slot: STAGER, message: 'stage' },
      ]
    case 'open':
      agent.phase = 'open'
      return agent.slots.filter(s => s.state === 'closed').flatMap(openSlot)
    case 'run':
      return onRun(agent, message.slot, message.order, now)
    case 'withdraw':
      return withdraw(agent, { slot: 0, ...message }, 'given back before it began')
    case 'cancel':
      return cancel(agent, message, now)
    case 'ack':
      agent.unacked.delete(answerKey(message.run, message.attempt))
      return ifOver(agent)
    case 'beat':
      return []
    case 'stop':
      return onStop(agent, message.fate, now)
    case 'bye':
      return exit(agent, message.again)
    default:
      return unreachable(message)
  }
}

/** Make what runs durable and take nothing more. SIGTERM to the agent does the same. */
export function onStop(agent: Agent, fate: 'stopped' | 'walltime', now: number): AgentEffect[] {
  if (agent.stopping) return []
  agent.stopping = fate
  const effects = agent.slots.flatMap(slot => [
    ...slot.line.splice(0).flatMap(order => giveBack(agent, slot.id, order, 'told to stop')),
    ...slot.ahead.map(order => takeBack(slot, order)),
    ...(slot.state === 'busy' ? stopSlot(agent, slot, fate, 'told to stop', now) : []),
  ])
  return [...effects, ...ifOver(agent)]
}

/** Time passes: timeouts, silence of a RUN, grace, and the lease that the leader holds on us. */
export function onTick(agent: Agent, now: number): AgentEffect[] {
  const effects: AgentEffect[] = starts(agent, now)
  for (const slot of agent.slots) {
    const { ending, order, deadline, progressed } = slot
    if (ending) {
      if (now <= ending.kill) continue
      slot.ending = { ...ending, kill: Infinity }
      effects.push({ do: 'kill', slot: slot.id })
    } else if (order && deadline !== undefined && now > deadline)
      effects.push(
        ...stopSlot(agent, slot, 'hung', `passed its timeout of ${order.timeout} s`, now),
      )
    else if (order && progressed !== undefined && now - progressed > order.patience) {
      const why = `no progress for ${Math.round(now - progressed)} s`
      effects.push(...stopSlot(agent, slot, 'hung', why, now))
    }
  }
  if (now - agent.heard > agent.settings.lost && !agent.over)
    effects.push(
      { do: 'log', text: `no leader for ${Math.round(now - agent.heard)} s: the lease is over` },
      ...exit(agent, true),
    )
  return effects
}

/** Seconds to load workflow, data and backend, from a file system that all ranks read at once. */
const OPEN_PATIENCE = 600
/** Seconds to stage: terabytes at a tenth of a disk's pace. */
const STAGE_PATIENCE = 3600

/** Executors that never come to be ready are killed: their exit then tells what to do. */
function starts(agent: Agent, now: number): AgentEffect[] {
  const late: number[] = []
  agent.staging = agent.phase === 'staging' ? (agent.staging ?? now) : undefined
  if (now - (agent.staging ?? now) > STAGE_PATIENCE) {
    late.push(STAGER)
    agent.staging = now
  }
  for (const slot of agent.slots) {
    slot.opening = slot.state === 'opening' ? (slot.opening ?? now) : undefined
    if (now - (slot.opening ?? now) <= OPEN_PATIENCE) continue
    late.push(slot.id)
    slot.opening = now
  }
  return late.map(slot => ({ do: 'kill', slot }))
}

/**
 * Is something to be said now that the next beat may go along with? A frame costs more than what is in it, most of
 * all a leader of ten thousand.
 */
export function isBeatNear({ welcomed, beaten, settings }: Agent, now: number): boolean {
  return welcomed && now - beaten >= settings.beat / 2
}

/** What is said at a beat: answers long not acked, then what we have. Before the welcome, hello again. */
export function onBeat(agent: Agent, health: Health, now: number): AgentEffect[] {
  agent.beaten = now
  if (!agent.welcomed) return hello(agent)
  const { late, unacked } = agent
  agent.late = new Set(unacked.keys())
  const idle = agent.slots.filter(s => s.state === 'idle' && !agent.stopping).map(s => s.id)
  return [
    ...[...unacked]
      .filter(([key]) => late.has(key))
      .map(([, message]): AgentEffect => ({ do: 'send', message })),
    ...(agent.broken ? [{ do: 'send' as const, message: agent.broken }] : []),
    {
      do: 'send',
      message: {
        type: 'beat',
        health,
        inventory: { phase: agent.phase, held: held(agent), idle },
      },
    },
  ]
}

function onWelcome(agent: Agent, keep: readonly Held[], now: number): AgentEffect[] {
  const kept = new Set(keep.map(h => answerKey(h.run, h.attempt)))
  const lost = held(agent).filter(h => !kept.has(answerKey(h.run, h.attempt)))
  const again: AgentEffect[] = agent.welcomed
    ? []
    : [
        ...[...agent.unacked.values()].map((message): AgentEffect => ({ do: 'send', message })),
        ...agent.slots.filter(s => s.state === 'idle' && !agent.stopping).map(ready),
      ]
  agent.welcomed = true
  return [
    ...lost.flatMap(h => cancel(agent, h, now)),
    ...agent.slots
      .filter(s => s.order && !s.ending)
      .map((s): AgentEffect => ({ do: 'tell', slot: s.id, message: 'leader' })),
    ...again,
  ]
}

function onRun(agent: Agent, slotId: number, order: Order, now: number): AgentEffect[] {
  const key = answerKey(order.run, order.attempt)
  const said = agent.unacked.get(key)
  if (said) return [{ do: 'send', message: said }]
  // acked, so it is the same number of another leader's: one more attempt has one of its own
  if (agent.answered.has(key)) return giveBack(agent, slotId, order, 'answered before')
  if (agent.taken.has(key) && has(agent, order)) return []
  const slot = agent.slots[slotId]
  if (!slot || agent.stopping || agent.phase !== 'open')
    return giveBack(agent, slotId, order, `slot ${slotId} takes no RUN`)
  agent.taken.add(key)
  if (slot.state === 'idle') return begin(slot, order, now)
  slot.line.push(order)
  return slot.state === 'busy' && !slot.ending ? lookAhead(slot) : []
}

function has({ slots }: Agent, { run, attempt }: Order): boolean {
  const isIt = (o: Order | undefined) => o?.run === run && o.attempt === attempt
  return slots.some(s => isIt(s.order) || s.ahead.some(isIt) || s.line.some(isIt))
}

function withdraw(agent: Agent, { run, attempt }: Held, why: string): AgentEffect[] {
  for (const slot of agent.slots) {
    const at = slot.line.findIndex(o => o.run === run && o.attempt === attempt)
    const [order] = at < 0 ? [] : slot.line.splice(at, 1)
    if (order) return giveBack(agent, slot.id, order, why)
    const ahead = slot.ahead.find(o => o.run === run && o.attempt === attempt)
    if (ahead) return [takeBack(slot, ahead)]
  }
  return []
}

/** Its executor gives it back, or has begun it by now. */
function takeBack({ id }: Slot, { run, attempt }: Order): AgentEffect {
  return { do: 'withdraw', slot: id, run, attempt }
}

/** It is no longer ours. */
function cancel(agent: Agent, what: Pick<Held, 'run' | 'attempt'>, now: number): AgentEffect[] {
  const why = 'another attempt has it'
  return [
    ...withdraw(agent, { slot: 0, ...what }, why),
    ...agent.slots
      .filter(s => s.order?.run === what.run && s.order.attempt === what.attempt)
      .flatMap(s => stopSlot(agent, s, 'stopped', why, now)),
  ]
}
