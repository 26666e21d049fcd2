import { CHECKPOINT_SECONDS, ifOver } from './give-out.js'
import { send, type Effect, type Leader } from './leader-state.js'
import { epochQuantile } from './pace.js'

export type StopFate = 'stopped' | 'walltime' | 'bad-data'

/** Give out nothing more; whoever trains makes its last epoch durable and ends. */
export function onStop(leader: Leader, fate: StopFate, reason: string): Effect[] {
  if (leader.stopping || leader.over) return []
  leader.stopping = { fate, reason }
  const effects: Effect[] = [{ do: 'journal', record: { type: 'stopped', reason }, then: [] }]
  for (const agent of leader.agents.values())
    effects.push(send(agent, { type: 'stop', fate: told(fate) }))
  return [...effects, ...ifOver(leader)]
}

/** For an agent it is the same whether data or a person stopped the sweep. */
export function told(fate: StopFate): 'stopped' | 'walltime' {
  return fate === 'walltime' ? fate : 'stopped'
}

/**
 * The job ends soon: stop when a checkpoint just fits, or as soon as no RUN that runs can finish
 * another epoch before that moment and none may begin.
 */
export function onDeadline(leader: Leader): Effect[] {
  const { deadline } = leader.settings
  if (leader.stopping || leader.over || deadline === Infinity) return []
  const moment = deadline - CHECKPOINT_SECONDS
  const left = moment - leader.now
  const typical = epochQuantile(leader.pace, 0.5)
  const useful = typical === undefined || leader.now + typical * SHORTEST <= moment || someEnds()
  if (left > 0 && useful) return []
  return onStop(
    leader,
    'walltime',
    `the walltime ends in ${Math.max(0, Math.round(deadline - leader.now))} s, ` +
      `the last ${CHECKPOINT_SECONDS} are for checkpoints`,
  )

  function someEnds(): boolean {
    for (const agent of leader.agents.values())
      for (const { orders } of agent.slots) {
        const run = orders[0] === undefined ? undefined : leader.runs.get(orders[0])
        if (!run) continue
        const { progress } = run
        // scoring, or a RUN that says nothing of epochs: it may end at any moment
        if (progress?.phase !== 'train' || progress.part === undefined) return true
        if (leader.now + (1 - progress.part) * (typical ?? 0) * SHORTEST <= moment) return true
      }
    return false
  }
}

/** An epoch may be this much faster than the median. */
const SHORTEST = 0.7
