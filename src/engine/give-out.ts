import type { RunId } from '../base/ids.js'
import { isSuspect } from './fates.js'
import { epochQuantile, depth, patience } from './pace.js'
import {
  send,
  setState,
  type Effect,
  type Leader,
  type Node,
  type Run,
  type Slot,
} from './leader-state.js'
import { avoids } from './nodes.js'
import type { Order } from './protocol.js'

/** RUNs to idle slots, in order, until one of them runs out. */
export function giveOut(leader: Leader): Effect[] {
  if (leader.stopping) return ifOver(leader)
  const effects: Effect[] = []
  const vain = new Set<Node>()
  if (mayBegin(leader))
    for (const slot of leader.idle) {
      if (leader.queue.length === 0) break
      const { node } = slot.agent
      if (vain.has(node)) continue
      fill(leader, slot, effects)
      if (slot.orders.length > 0) leader.idle.delete(slot)
      else vain.add(node)
    }
  return effects.length > 0 ? effects : ifOver(leader)
}

/** After an answer: a slot that works through tiny RUNs gets more before it runs dry. */
export function topUp(leader: Leader, slot: Slot): Effect[] {
  const effects: Effect[] = []
  const { suspect, node } = slot.agent
  const serves = !suspect && !node.quarantined && !leader.stopping
  if (slot.orders.length > 0 && serves && mayBegin(leader)) fill(leader, slot, effects, 2)
  return effects
}

/** Those in a slot's hand that have not begun: the first one runs. They come as `ended` with `stopped`. */
export function askBack(leader: Leader, { agent, orders }: Slot): Effect[] {
  return orders.slice(1).map(run => {
    const { attempt } = leader.runs.get(run)!
    return send(agent, { type: 'withdraw', run, attempt })
  })
}

/**
 * All RUNs are given out, slots are idle, and others have RUNs waiting in line: ask for those back.
 * They come as `ended` with `stopped`, unless they have begun by then.
 */
export function withdraw(leader: Leader): Effect[] {
  if (leader.queue.length > 0 || leader.idle.size === 0 || leader.stopping) return []
  const effects: Effect[] = []
  for (const agent of leader.agents.values())
    for (const slot of agent.slots) {
      effects.push(...askBack(leader, slot).reverse())
      if (effects.length >= leader.idle.size) return effects.slice(0, leader.idle.size)
    }
  return effects
}

/** All RUNs have their final state, or nobody runs any more after a stop. */
export function ifOver(leader: Leader): Effect[] {
  if (leader.over) return []
  const { waiting, running } = leader.counts
  if (running > 0 || (waiting > 0 && !leader.stopping)) return []
  leader.over = true
  const byes = [...leader.agents.values()].map(a => send(a, { type: 'bye', again: false }))
  return [...byes, { do: 'over' }]
}

/** The order as it was given: said again where it was lost on the way. */
export function orderOf(leader: Leader, run: Run): Order {
  const { params, origins, resolved, digest, timeout, memory, monitor } = run.plan
  return {
    run: run.plan.run,
    attempt: run.attempt,
    params,
    origins,
    resolved,
    digest,
    timeout,
    patience: patience(leader.pace),
    memory: memory > 0 ? memory * run.memoryFactor : -1,
    ...(monitor === undefined ? {} : { monitor }),
  }
}

/** Seconds that a checkpoint may take at the end, beside the grace of the agents. */
export const CHECKPOINT_SECONDS = 30

/** A RUN is begun only if an epoch of it fits before the end of the job. */
function mayBegin(leader: Leader): boolean {
  const left = leader.settings.deadline - leader.now
  return left > (epochQuantile(leader.pace, 0.95) ?? 0) + CHECKPOINT_SECONDS
}

/** @param whenBelow fill only when no more than a share 1/whenBelow of the depth is left */
function fill(leader: Leader, slot: Slot, effects: Effect[], whenBelow = 1): void {
  const { pace, settings, queue, slots } = leader
  const wanted = depth(pace, settings.prefetch, queue.length, slots)
  if (whenBelow > 1 && slot.orders.length > wanted / whenBelow) return
  while (slot.orders.length < wanted) {
    const next = takeFor(leader, slot)
    if (next === undefined) return
    give(leader, next, slot, effects)
  }
}

/** RUNs at the front of the queue that are looked at for a slot: those that may not run there wait for another one. */
const LOOKED_AT = 64

/** The first RUN of the queue that may run in `slot`. */
function takeFor(leader: Leader, slot: Slot): RunId | undefined {
  const { queue, runs } = leader
  const last = Math.max(0, queue.length - LOOKED_AT)
  for (let at = queue.length - 1; at >= last; at--) {
    const run = runs.get(queue[at]!)!
    if (!avoids(leader, run, slot.agent.node) && !isCrowded(leader, run, slot))
      return queue.splice(at, 1)[0]
  }
  return undefined
}

/**
 * When an agent dies all that it runs is lost, and nobody knows whose fault it was. So RUNs whose next loss counts are
 * parted: with each loss fewer of them run at a time in one agent, at last one alone. A RUN that kills agents is then
 * given up without its neighbours.
 */
function isCrowded(leader: Leader, { tally }: Run, { agent, id }: Slot): boolean {
  if (agent.slots.length === 1 || !isSuspect(tally)) return false
  const beside = agent.slots.flatMap(({ id: other, orders }) => {
    const running = other === id || orders[0] === undefined ? undefined : leader.runs.get(orders[0])
    return running && isSuspect(running.tally) ? [running.tally.losses] : []
  })
  const most = agent.slots.length >> (Math.max(tally.losses, ...beside) - 1)
  return beside.length >= Math.max(1, most)
}

function give(leader: Leader, id: RunId, slot: Slot, effects: Effect[]): void {
  const run = leader.runs.get(id)!
  const { agent } = slot
  setState(leader, run, 'running')
  run.attempt++
  run.slot = slot
  run.given = leader.now
  run.progress = undefined
  slot.ready = false
  if (slot.orders.length === 0) slot.since = leader.now
  slot.orders.push(id)
  effects.push(
    send(agent, { type: 'run', slot: slot.id, order: orderOf(leader, run) }),
    {
      do: 'journal',
      record: {
        type: 'given',
        run: id,
        attempt: run.attempt,
        rank: agent.rank,
        host: agent.host,
        at: Math.round((leader.now - leader.began) * 1000) / 1000,
      },
      then: [],
    },
    { do: 'changed', run: id },
  )
}
