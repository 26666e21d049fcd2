import { unreachable } from '../base/errors.js'
import type { Fate } from '../experiment/fate.js'
import { STAGER, type Agent, type AgentEffect } from './agent-state.js'
import type { FromExecutor } from './executor-protocol.js'
import { answer, backInLine, ended, giveBack, ifOver, next, openSlot } from './slots.js'

/** What an agent makes of its executors' words and ends. Pure, as agent.ts. */
export function onExecutor(
  agent: Agent,
  slotId: number,
  message: FromExecutor,
  now: number,
): AgentEffect[] {
  if (slotId === STAGER) return onStager(agent, message)
  const slot = agent.slots[slotId]!
  switch (message.type) {
    case 'opened':
      slot.openFailures = 0
      return next(agent, slot, now)
    case 'progress': {
      if (!slot.order) return []
      slot.progressed = now
      const { run, attempt } = slot.order
      return [
        { do: 'send', message: { type: 'progress', run, attempt, progress: message.progress } },
      ]
    }
    case 'done': {
      if (!slot.order) return []
      const { run, attempt } = slot.order
      const done = { type: 'done' as const, slot: slot.id, run, attempt, finish: message.finish }
      return [...answer(agent, slot, done), ...next(agent, slot, now)]
    }
    case 'ended':
      if (slot.state === 'opening') return breakDown(agent, message.fate, message.message)
      return [...ended(agent, slot, message.fate, message.message), ...next(agent, slot, now)]
    case 'withdrawn': {
      const at = slot.ahead.findIndex(o => o.run === message.run && o.attempt === message.attempt)
      const [order] = at < 0 ? [] : slot.ahead.splice(at, 1)
      if (!order) return []
      return [...giveBack(agent, slotId, order, 'given back before it began'), ...ifOver(agent)]
    }
    case 'staged':
    case 'dying': // told with its exit
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
    if (agent.phase !== 'staging') return []
    agent.phase = 'closed'
    const message = `staging ended with ${how}`
    return [{ do: 'send', message: { type: 'unstaged', fate, message } }]
  }
  const slot = agent.slots[slotId]!
  const wasOpening = slot.state === 'opening'
  const effects: AgentEffect[] = slot.order ? ended(agent, slot, fate, `executor: ${how}`) : []
  slot.state = 'closed'
  slot.ending = undefined
  backInLine(slot)
  if (agent.stopping) {
    const left = slot.line.splice(0)
    effects.push(...left.flatMap(order => giveBack(agent, slotId, order, 'told to stop')))
  }
  if (agent.over || agent.stopping) return [...effects, ...ifOver(agent)]
  if (wasOpening && ++slot.openFailures >= agent.settings.openLimit)
    return [...effects, ...breakDown(agent, fate, `executor does not start: ${how}`)]
  return [...effects, ...openSlot(slot)]
}

/** An executor was seen to use `mb` of memory. One that passes the RUN's limit has no second chance. */
export function onMemory(agent: Agent, slotId: number, mb: number, now: number): AgentEffect[] {
  const slot = agent.slots[slotId]
  const limit = slot?.order?.memory ?? -1
  if (!slot || limit <= 0 || mb <= limit || slot.ending) return []
  const message = `used ${Math.round(mb)} MB, its limit is ${limit} MB`
  slot.ending = { fate: 'out-of-memory', message, kill: now }
  return [{ do: 'kill', slot: slot.id }]
}

/** The leader will say bye. */
function breakDown(agent: Agent, fate: Fate, message: string): AgentEffect[] {
  agent.broken = { type: 'broken', fate, message }
  return [{ do: 'send', message: agent.broken }]
}

function onStager(agent: Agent, message: FromExecutor): AgentEffect[] {
  if (message.type === 'staged') {
    agent.phase = 'staged' // it exits when no other node wants the data from it
    return [{ do: 'send', message: { type: 'staged' } }]
  }
  if (message.type === 'ended') {
    agent.phase = 'closed'
    const { fate, message: text } = message
    return [
      { do: 'kill', slot: STAGER },
      { do: 'send', message: { type: 'unstaged', fate, message: text } },
    ]
  }
  return []
}
