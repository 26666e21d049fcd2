import { unreachable } from '../base/errors.js'
import type { RunId } from '../base/ids.js'
import { STAGER, type Agent, type AgentEffect, type Slot } from './agent-state.js'
import type { FromExecutor } from './executor-protocol.js'
import type { Fate } from './fates.js'
import { PROTOCOL, type FromAgent, type Order, type ToAgent } from './protocol.js'

/**
 * An agent's decisions, without any input or output: event in, effects out.
 * States and their drawing: agent-state.ts. agent-process.ts performs the effects.
 */
export function hello(agent: Agent): AgentEffect[] {
  const { rank, host, node, pid, slots } = agent.settings
  return [
    {
      do: 'send',
      message: { type: 'hello', protocol: PROTOCOL, rank, host, node, pid, slots },
    },
  ]
}

/** @param now seconds on a monotonic clock */
export function onLeader(agent: Agent, message: ToAgent, now: number): AgentEffect[] {
  agent.heard = now
  switch (message.type) {
    case 'refused':
      return [
        { do: 'log', text: `refused by the leader: ${message.message}` },
        ...exit(agent, true),
      ]
    case 'stage':
      agent.staging = true
      return [
        { do: 'spawn', slot: STAGER },
        { do: 'tell', slot: STAGER, message: 'stage' },
      ]
    case 'open':
      return agent.slots.filter(s => s.state === 'closed').flatMap(openSlot)
    case 'run':
      return onRun(agent, message.slot, message.order, now)
    case 'cancel':
      return agent.slots
        .filter(s => s.order?.run === message.run && s.order.attempt === message.attempt)
        .flatMap(s => stopSlot(agent, s, 'stopped', 'another attempt has finished', now))
    case 'ack':
      agent.unacked.delete(key(message.run, message.attempt))
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
  return agent.slots
    .filter(s => s.state === 'busy')
    .flatMap(s => stopSlot(agent, s, fate, 'told to stop', now))
}

export function onExecutor(agent: Agent, slotId: number, message: FromExecutor): AgentEffect[] {
  if (slotId === STAGER) return onStager(agent, message)
  const slot = agent.slots[slotId]!
  switch (message.type) {
    case 'opened':
      slot.state = 'idle'
      slot.openFailures = 0
      return agent.stopping ? [] : [ready(slot)]
    case 'progress':
      return slot.order
        ? [
            {
              do: 'send',
              message: {
                type: 'progress',
                run: slot.order.run,
                attempt: slot.order.attempt,
                progress: message.progress,
              },
            },
          ]
        : []
    case 'done': {
      if (!slot.order) return []
      const { run, attempt } = slot.order
      const done = { type: 'done' as const, slot: slot.id, run, attempt, finish: message.finish }
      return [...answer(agent, slot, done), ...free(agent, slot)]
    }
    case 'ended':
      if (slot.state === 'opening')
        return [
          { do: 'send', message: { type: 'broken', fate: message.fate, message: message.message } },
        ]
      return [...ended(agent, slot, message.fate, message.message), ...free(agent, slot)]
    case 'staged':
      return []
    default:
      return unreachable(message)
  }
}

/** An executor is gone. @param how `exit 3`, `SIGKILL`; @param fate what that means if nobody asked for it */
export function onExecutorExit(
  agent: Agent,
  slotId: number,
  fate: Fate,
  how: string,
): AgentEffect[] {
  if (slotId === STAGER) {
    if (!agent.staging) return []
    agent.staging = false
    const message = `staging ended with ${how}`
    return [{ do: 'send', message: { type: 'unstaged', fate, message } }]
  }
  const slot = agent.slots[slotId]!
  const wasOpening = slot.state === 'opening'
  const effects: AgentEffect[] = slot.order ? ended(agent, slot, fate, `executor: ${how}`) : []
  slot.state = 'closed'
  slot.ending = undefined
  if (agent.over || agent.stopping) return [...effects, ...ifOver(agent)]
  if (wasOpening && ++slot.openFailures >= agent.settings.openLimit)
    return [
      ...effects,
      {
        do: 'send',
        message: { type: 'broken', fate, message: `executor does not start: ${how}` },
      },
    ]
  return [...effects, ...openSlot(slot)]
}

/** Time passes: deadlines, grace, and the lease that the leader holds on us. */
export function onTick(agent: Agent, now: number): AgentEffect[] {
  const effects: AgentEffect[] = []
  for (const slot of agent.slots) {
    if (slot.ending && now > slot.ending.kill) {
      slot.ending = { ...slot.ending, kill: Infinity }
      effects.push({ do: 'kill', slot: slot.id })
    } else if (slot.deadline !== undefined && now > slot.deadline && !slot.ending) {
      const seconds = slot.order?.timeout ?? 0
      effects.push(...stopSlot(agent, slot, 'hung', `passed its timeout of ${seconds} s`, now))
    }
  }
  if (now - agent.heard > agent.settings.lost && !agent.over)
    effects.push(
      { do: 'log', text: `no leader for ${Math.round(now - agent.heard)} s: the lease is over` },
      ...exit(agent, true),
    )
  return effects
}

/** What has to be said again at a beat: answers that were not acked. */
export function unsaid(agent: Agent): AgentEffect[] {
  return [...agent.unacked.values()].map(message => ({ do: 'send', message }))
}

function onRun(agent: Agent, slotId: number, order: Order, now: number): AgentEffect[] {
  const slot = agent.slots[slotId]
  if (slot?.state !== 'idle' || agent.stopping)
    return [
      {
        do: 'send',
        message: {
          type: 'ended',
          slot: slotId,
          run: order.run,
          attempt: order.attempt,
          fate: 'stopped',
          message: `slot ${slotId} takes no RUN`,
        },
      },
    ]
  slot.state = 'busy'
  slot.order = order
  slot.deadline = order.timeout > 0 ? now + order.timeout : undefined
  return [{ do: 'order', slot: slot.id, order }]
}

function onStager(agent: Agent, message: FromExecutor): AgentEffect[] {
  if (message.type === 'staged') {
    agent.staging = false
    return [
      { do: 'kill', slot: STAGER },
      { do: 'send', message: { type: 'staged' } },
    ]
  }
  if (message.type === 'ended') {
    agent.staging = false
    const { fate, message: text } = message
    return [
      { do: 'kill', slot: STAGER },
      { do: 'send', message: { type: 'unstaged', fate, message: text } },
    ]
  }
  return []
}

function openSlot(slot: Slot): AgentEffect[] {
  slot.state = 'opening'
  return [
    { do: 'spawn', slot: slot.id },
    { do: 'tell', slot: slot.id, message: 'open' },
  ]
}

function stopSlot(
  agent: Agent,
  slot: Slot,
  fate: Fate,
  message: string,
  now: number,
): AgentEffect[] {
  if (slot.ending) return []
  slot.ending = { fate, message, kill: now + agent.settings.grace }
  return [{ do: 'tell', slot: slot.id, message: 'stop' }]
}

/** The attempt is over without a marker. */
function ended(agent: Agent, slot: Slot, fate: Fate, message: string): AgentEffect[] {
  if (!slot.order) return []
  const { run, attempt } = slot.order
  // what the agent itself began decides, however the executor took it
  const real = slot.ending?.fate ?? fate
  const text = slot.ending?.message ?? message
  const quiet = real === 'stopped' || real === 'walltime'
  return [
    ...(quiet ? [] : [{ do: 'record' as const, run, attempt, fate: real, message: text }]),
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

function answer(
  agent: Agent,
  slot: Slot,
  message: FromAgent & { type: 'done' | 'ended' },
): AgentEffect[] {
  agent.unacked.set(key(message.run, message.attempt), message)
  slot.order = undefined
  slot.deadline = undefined
  slot.ending = undefined
  return [{ do: 'send', message }]
}

/** A living executor is free again. */
function free(agent: Agent, slot: Slot): AgentEffect[] {
  slot.state = 'idle'
  return agent.stopping ? [] : [ready(slot)]
}

function ready(slot: Slot): AgentEffect {
  return { do: 'send', message: { type: 'ready', slot: slot.id } }
}

/** Stopped by a signal of its own: nothing runs and everything is acked, so it may leave. */
function ifOver(agent: Agent): AgentEffect[] {
  const busy = agent.slots.some(s => s.order)
  return agent.stopping && !busy && agent.unacked.size === 0 && !agent.over
    ? [{ do: 'send', message: { type: 'bye' } }, ...exit(agent, false)]
    : []
}

function exit(agent: Agent, again: boolean): AgentEffect[] {
  if (agent.over) return []
  agent.over = true
  return [{ do: 'exit', again }]
}

function key(run: RunId, attempt: number): string {
  return `${run}/${attempt}`
}
