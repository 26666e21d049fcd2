import { attemptEnded, finished } from './attempts.js'
import { giveOut, ifOver, topUp } from './give-out.js'
import {
  ackAgain,
  send,
  type Agent,
  type AgentId,
  type Effect,
  type Leader,
} from './leader-state.js'
import type { FromAgent } from './protocol.js'

/**
 * What agents say of the end of RUNs. `done` is taken from whoever says it (attempts.ts); any other end counts
 * for the attempt that runs, or that an earlier leader gave out.
 */
export function onEnded(
  leader: Leader,
  agent: Agent,
  { run: id, attempt, fate, message }: FromAgent & { type: 'ended' },
): Effect[] {
  const run = leader.runs.get(id)
  const slot = run?.slot
  // it may have ended while there was no leader
  const isOwn = slot?.agent === agent || leader.orphans.has(id)
  // an answer said twice, or of an attempt that was given up
  if (!run || !isOwn || run.attempt !== attempt) return [ackAgain(agent.id, id, attempt)]
  const ack = send(agent, { type: 'ack', run: id, attempt })
  return [
    ...attemptEnded(leader, run, fate, message, [ack], agent.node),
    // one that gives back takes nothing more: it would give that back too, and so for ever
    ...(slot && fate !== 'stopped' ? topUp(leader, slot) : []),
    ...giveOut(leader),
    ...ifOver(leader),
  ]
}

/** A message from an agent that is not known: a finished RUN counts, and the end of one that nobody else has. */
export function onStranger(leader: Leader, from: AgentId, message: FromAgent): Effect[] {
  const to = (answer: Parameters<typeof send>[1]): Effect[] => [
    { do: 'send', to: from, message: answer },
  ]
  switch (message.type) {
    case 'done':
      return finished(leader, from, message.run, message.attempt, message.finish)
    case 'ended':
      return onStrangeEnd(leader, from, message)
    case 'bye':
      return []
    default:
      return to({ type: 'unknown' })
  }
}

/** Its `hello` was lost; the attempt is of an earlier leader's time. */
function onStrangeEnd(
  leader: Leader,
  from: AgentId,
  { run: id, attempt, fate, message }: FromAgent & { type: 'ended' },
): Effect[] {
  const run = leader.runs.get(id)
  if (!run || !leader.orphans.has(id) || run.attempt !== attempt)
    return [ackAgain(from, id, attempt)]
  const ack: Effect = { do: 'send', to: from, message: { type: 'ack', run: id, attempt } }
  return [...attemptEnded(leader, run, fate, message, [ack]), ...giveOut(leader), ...ifOver(leader)]
}
