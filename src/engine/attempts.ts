import type { RunId } from '../base/ids.js'
import { plural } from '../base/plural.js'
import type { Fate } from '../experiment/fate.js'
import type { Finish } from '../experiment/journal.js'
import { mayRetry, tally } from './fates.js'
import { askBack, ifOver } from './give-out.js'
import {
  ackAgain,
  release,
  setState,
  type AgentId,
  type Effect,
  type Leader,
  type Node,
  type Run,
} from './leader-state.js'
import { failedOn, finishedOn } from './nodes.js'
import { onStop } from './stop.js'
import { addRun } from './pace.js'

/**
 * A RUN that meets a disk that cannot be written gets one more attempt, on another node first: it may be that
 * node's own disk, or come back. Then nobody could do better.
 */
const DISK_LIMIT = 2

/** Count the fate; the RUN goes to the front of the queue or, its attempts used up, is failed. */
export function attemptEnded(
  leader: Leader,
  run: Run,
  fate: Fate,
  message: string,
  then: readonly Effect[] = [],
  node: Node | undefined = run.slot?.agent.node,
): Effect[] {
  if (run.state !== 'running') return [...then]
  const id = run.plan.run
  const { slot } = run
  release(leader, run)
  const again = mayGoAgain(leader, run, fate)
  run.reason = `${fate}: ${message}`
  run.given = leader.now
  run.progress = undefined
  setState(leader, run, again ? 'waiting' : 'failed')
  if (again) leader.queue.push(id)
  const effects: Effect[] = [
    {
      do: 'journal',
      record: {
        type: 'ended',
        run: id,
        attempt: run.attempt,
        fate,
        final: !again,
        message,
        epochs: run.epochs,
        at: sinceBegin(leader),
      },
      then,
    },
    { do: 'changed', run: id },
    ...(node ? failedOn(leader, node, run, fate) : []),
  ]
  if (fate === 'no-disk' && slot) {
    // each of the RUNs that it has in hand would be tried for long, and this one only then again
    effects.push(...askBack(leader, slot))
    leader.pace.run = undefined
  }
  if (fate === 'no-disk' && run.tally.disks >= DISK_LIMIT) {
    const text = `${id}: ${message}`
    effects.push({ do: 'alert', text }, ...onStop(leader, 'stopped', text))
  }
  if (again) return effects
  effects.push({
    do: 'alert',
    text: `${id} failed after ${plural(run.attempt, 'attempt')}, ${run.reason}`,
  })
  const { maxFailed } = leader.settings
  if (leader.counts.failed > maxFailed)
    effects.push(...onStop(leader, 'stopped', `more than ${plural(maxFailed, 'RUN')} failed`))
  return effects
}

/** With a limit of memory set, one more attempt with twice as much; without one it is a crash like others. */
function mayGoAgain(leader: Leader, run: Run, fate: Fate): boolean {
  if (fate === 'out-of-memory' && run.plan.memory > 0) {
    if (run.memoryFactor === 2) return false
    run.memoryFactor = 2
    return true
  }
  run.tally = tally(run.tally, fate)
  return mayRetry(fate, run.tally, {
    retries: run.plan.retries,
    crashLimit: leader.settings.crashLimit,
  })
}

/** It did not begin, or nobody is to blame: back to the front, nothing is counted. */
export function givenBack(leader: Leader, run: Run): void {
  if (run.state !== 'running') return
  release(leader, run)
  run.progress = undefined
  setState(leader, run, 'waiting')
  leader.queue.push(run.plan.run)
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
  const run = leader.runs.get(id)
  if (!run || run.state === 'finished') return [ackAgain(from, id, attempt)]
  const ack: Effect = { do: 'send', to: from, message: { type: 'ack', run: id, attempt } }
  const effects: Effect[] = []
  const holder = run.slot?.agent
  if (holder && (run.attempt !== attempt || holder.id !== from))
    effects.push({
      do: 'send',
      to: holder.id,
      message: { type: 'cancel', run: id, attempt: run.attempt },
    })
  if (run.state === 'waiting') removeFromQueue(leader, id)
  release(leader, run)
  setState(leader, run, 'finished')
  run.epochs = finish.epochs
  run.reason = finish.reason
  addRun(leader.pace, finish.seconds)
  const node = leader.agents.get(from)?.node
  return [
    ...effects,
    {
      do: 'journal',
      record: { type: 'finished', run: id, attempt, finish, at: sinceBegin(leader) },
      then: [ack],
    },
    { do: 'changed', run: id },
    ...finishedOn(leader, node, run),
    ...ifOver(leader),
  ]
}

/** Seconds since the leader began, to the millisecond: what the journal tells of time. */
function sinceBegin(leader: Leader): number {
  return Math.round((leader.now - leader.began) * 1000) / 1000
}

function removeFromQueue(leader: Leader, id: RunId): void {
  const at = leader.queue.indexOf(id)
  if (at >= 0) leader.queue.splice(at, 1)
}
