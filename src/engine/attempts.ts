import type { RunId } from '../base/ids.js'
import { mayRetry, tally, type Fate } from './fates.js'
import {
  setState,
  type Agent,
  type AgentId,
  type Effect,
  type JournalRecord,
  type Leader,
  type Run,
} from './leader-state.js'
import type { Finish } from './protocol.js'

/** Count the fate; the RUN goes to the front of the queue or, its attempts used up, is failed. */
export function attemptEnded(
  leader: Leader,
  run: Run,
  from: AgentId,
  slot: number,
  fate: Fate,
  message: string,
  then: readonly Effect[] = [],
): Effect[] {
  const id = run.plan.run
  if (run.state !== 'running' || run.agent !== from) return [...then]
  leader.agents.get(from)?.running.delete(slot)
  run.tally = tally(run.tally, fate)
  const again = mayRetry(fate, run.tally, {
    retries: run.plan.retries,
    crashLimit: leader.settings.crashLimit,
  })
  run.agent = undefined
  run.reason = `${fate}: ${message}`
  setState(leader, run, again ? 'waiting' : 'failed')
  run.progress = undefined
  if (again) leader.queue.push(id)
  const record: JournalRecord = {
    type: 'ended',
    run: id,
    attempt: run.attempt,
    fate,
    final: !again,
    message,
  }
  const effects: Effect[] = [
    { do: 'journal', record, then },
    { do: 'changed', run: id },
  ]
  if (!again)
    effects.push({
      do: 'alert',
      text: `${id} failed after ${run.attempt} attempt(s), ${run.reason}`,
    })
  return effects
}

/** RUNs to idle slots, in order, until one of them runs out. */
export function giveOut(leader: Leader): Effect[] {
  const effects: Effect[] = []
  if (leader.stopping) return ifOver(leader)
  for (const [id, agent] of leader.agents) {
    if (leader.queue.length === 0) break
    if (leader.now - agent.heard > leader.settings.suspect) continue
    for (const slot of agent.idle) {
      const next = leader.queue.pop()
      if (next === undefined) break
      agent.idle.delete(slot)
      effects.push(...give(leader, next, id, agent, slot))
    }
  }
  return [...effects, ...ifOver(leader)]
}

function give(leader: Leader, id: RunId, to: AgentId, agent: Agent, slot: number): Effect[] {
  const run = leader.runs.get(id)!
  setState(leader, run, 'running')
  run.attempt++
  run.agent = to
  run.slot = slot
  run.progress = undefined
  agent.running.set(slot, id)
  const { params, origins, resolved, digest, timeout } = run.plan
  const order = { run: id, attempt: run.attempt, params, origins, resolved, digest, timeout }
  return [
    { do: 'send', to, message: { type: 'run', slot, order } },
    {
      do: 'journal',
      record: { type: 'given', run: id, attempt: run.attempt, rank: agent.rank },
      then: [],
    },
    { do: 'changed', run: id },
  ]
}

/** All RUNs have their final state, or nobody runs any more after a stop. */
export function ifOver(leader: Leader): Effect[] {
  if (leader.over) return []
  const { waiting, running } = leader.counts
  if (running > 0 || (waiting > 0 && !leader.stopping)) return []
  leader.over = true
  const byes = [...leader.agents.keys()].map((id): Effect => ({
    do: 'send',
    to: id,
    message: { type: 'bye', again: false },
  }))
  return [...byes, { do: 'over' }]
}

/**
 * A valid marker stands, whoever wrote it: also a late answer of an attempt that was given up,
 * unless a newer one has finished. The newer attempt is then cancelled.
 */
export function finished(
  leader: Leader,
  from: AgentId,
  id: RunId,
  attempt: number,
  finish: Finish,
): Effect[] {
  const ack: Effect = { do: 'send', to: from, message: { type: 'ack', run: id, attempt } }
  const run = leader.runs.get(id)
  if (!run || run.state === 'finished') return [ack]
  const effects: Effect[] = []
  if (run.state === 'running' && run.agent !== undefined && run.attempt !== attempt)
    effects.push({
      do: 'send',
      to: run.agent,
      message: { type: 'cancel', run: id, attempt: run.attempt },
    })
  if (run.state === 'waiting') removeFromQueue(leader, id)
  setState(leader, run, 'finished')
  run.epochs = finish.epochs
  run.reason = finish.reason
  run.agent = undefined
  return [
    ...effects,
    { do: 'journal', record: { type: 'finished', run: id, attempt, finish }, then: [ack] },
    { do: 'changed', run: id },
  ]
}

function removeFromQueue(leader: Leader, id: RunId): void {
  const at = leader.queue.indexOf(id)
  if (at >= 0) leader.queue.splice(at, 1)
}
