import type { Fate } from '../experiment/fate.js'
import { answerKey, type Agent, type AgentEffect, type Slot } from './agent-state.js'
import { AHEAD } from './executor-protocol.js'
import type { FromAgent, Order } from './protocol.js'

/** How an agent's RUNs begin, are stopped and end: one answer each, kept until the leader has it. */

/** Answers remembered at least: more than can be on their way twice. */
const REMEMBERED = 1000

/** It gets more when no more than these are left: several with one write. */
const REFILL = 64

/** The executor is free: it begins the next that it has in hand, or gets one, or the leader is asked for one. */
export function next(agent: Agent, slot: Slot, now: number): AgentEffect[] {
  slot.state = 'idle'
  const order = slot.ahead.shift()
  if (order) {
    runs(slot, order, now)
    return agent.stopping
      ? stopSlot(agent, slot, agent.stopping, 'told to stop', now)
      : lookAhead(slot)
  }
  if (agent.stopping) return []
  const first = slot.line.shift()
  return first ? begin(slot, first, now) : [ready(slot)]
}

export function begin(slot: Slot, order: Order, now: number): AgentEffect[] {
  runs(slot, order, now)
  return [{ do: 'order', slot: slot.id, order }, ...lookAhead(slot)]
}

/** What waits in line goes to the executor while it works, a few at a time. */
export function lookAhead(slot: Slot): AgentEffect[] {
  if (slot.ahead.length > REFILL) return []
  const orders = slot.line.splice(0, AHEAD - slot.ahead.length)
  slot.ahead.push(...orders)
  return orders.map(order => ({ do: 'order', slot: slot.id, order }))
}

/** The executor has gone: what it had in hand and not begun waits for the next one. */
export function backInLine(slot: Slot): void {
  slot.line.unshift(...slot.ahead.splice(0))
}

function runs(slot: Slot, order: Order, now: number): void {
  slot.state = 'busy'
  slot.order = order
  slot.deadline = order.timeout > 0 ? now + order.timeout : undefined
  slot.progressed = undefined
}

export function ready(slot: Slot): AgentEffect {
  return { do: 'send', message: { type: 'ready', slot: slot.id } }
}

/** The attempt is over without a marker. */
export function ended(agent: Agent, slot: Slot, fate: Fate, message: string): AgentEffect[] {
  if (!slot.order) return []
  const { run, attempt } = slot.order
  // what the agent itself began decides, however the executor took it
  const real = slot.ending?.fate ?? fate
  const text = slot.ending?.message ?? message
  const quiet = real === 'stopped' || real === 'walltime'
  return [
    ...(quiet
      ? []
      : [{ do: 'record' as const, slot: slot.id, run, attempt, fate: real, message: text }]),
    ...answer(agent, slot, {
      type: 'ended',
      slot: slot.id,
      run,
      attempt,
      fate: real,
      message: text,
    }),
  ]
}

export function answer(
  agent: Agent,
  slot: Slot,
  message: FromAgent & { type: 'done' | 'ended' },
): AgentEffect[] {
  slot.order = undefined
  slot.deadline = undefined
  slot.progressed = undefined
  slot.ending = undefined
  return say(agent, message, slot.ahead.length + slot.line.length > 0)
}

/** It was never begun. */
export function giveBack(agent: Agent, slot: number, order: Order, why: string): AgentEffect[] {
  const { run, attempt } = order
  return say(agent, { type: 'ended', slot, run, attempt, fate: 'stopped', message: why })
}

function say(
  agent: Agent,
  message: FromAgent & { type: 'done' | 'ended' },
  lazy = false,
): AgentEffect[] {
  const key = answerKey(message.run, message.attempt)
  agent.taken.delete(key)
  agent.unacked.set(key, message)
  agent.answered.add(key)
  if (agent.answered.size > 2 * REMEMBERED)
    for (const oldest of agent.answered)
      if (agent.answered.size > REMEMBERED) agent.answered.delete(oldest)
      else break // many at once: a set whose first is taken out finds its next ever later
  return [lazy ? { do: 'send', message, lazy } : { do: 'send', message }]
}

/** Start an executor and have it load workflow, data and backend. */
export function openSlot(slot: Slot): AgentEffect[] {
  slot.state = 'opening'
  slot.opening = undefined
  return [
    { do: 'spawn', slot: slot.id },
    { do: 'tell', slot: slot.id, message: 'open' },
  ]
}

/** Have the running RUN make its state durable and end. */
export function stopSlot(
  agent: Agent,
  slot: Slot,
  fate: Fate,
  message: string,
  now: number,
): AgentEffect[] {
  if (slot.ending || !slot.order) return []
  const { run, attempt } = slot.order
  const { grace, hungGrace } = agent.settings
  slot.ending = { fate, message, kill: now + (fate === 'hung' ? hungGrace : grace) }
  return [{ do: 'stop', slot: slot.id, run, attempt }]
}

/** Stopped by a signal of its own: nothing runs and everything is acked, so it may leave. */
export function ifOver(agent: Agent): AgentEffect[] {
  const busy = agent.slots.some(s => s.order)
  return agent.stopping && !busy && agent.unacked.size === 0 && !agent.over
    ? [{ do: 'send', message: { type: 'bye' } }, ...exit(agent, false)]
    : []
}

export function exit(agent: Agent, again: boolean): AgentEffect[] {
  if (agent.over) return []
  agent.over = true
  return [{ do: 'exit', again }]
}
