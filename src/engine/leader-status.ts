import { writeAtomic } from '../base/files.js'
import { plural } from '../base/plural.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import type { LiveRun, LiveStatus, RankStatus } from '../experiment/live-status.js'
import type { Lag } from './lag.js'
import type { Agent, Leader } from './leader-state.js'

/** How the sweep stands, for whoever asks. */
export function liveStatus(
  leader: Leader,
  exp: Experiment,
  {
    lag,
    strangers,
    carried,
  }: {
    readonly lag: Lag
    readonly strangers: number
    /** RUNs that were finished when it began. */
    readonly carried: number
  },
): LiveStatus {
  const agents = [...leader.agents.values()]
  return {
    exp: exp.id,
    seconds: leader.now - leader.began,
    carried,
    counts: { ...leader.counts },
    begun: begun(leader),
    ranks: agents.map(agent => rankStatus(leader, agent)).sort((a, b) => a.rank - b.rank),
    running: agents.flatMap(agent => running(leader, agent)),
    lagP99: lag.p99(),
    lagMax: lag.max(),
    strangers,
    stopping: leader.stopping?.reason ?? null,
  }
}

/** RUNs that were ever given out, in this life or an earlier one. */
export function begun(leader: Leader): number {
  let count = 0
  for (const { attempt, state } of leader.runs.values())
    if (attempt > 0 || state === 'finished') count++
  return count
}

function rankStatus(leader: Leader, agent: Agent): RankStatus {
  const { rank, host, slots, health, suspect, node, since } = agent
  const there = slots.length * (leader.now - since)
  const busy = slots.reduce(
    (sum, s) => sum + s.busy + (s.orders.length > 0 ? leader.now - s.since : 0),
    0,
  )
  const state = suspect
    ? 'suspect'
    : node.quarantined
      ? 'quarantined'
      : agent.opened
        ? 'serving'
        : 'opening'
  return {
    rank,
    host,
    slots: slots.length,
    utilisation: there > 0 ? Math.min(1, busy / there) : 0,
    idle: Math.max(0, there - busy),
    state,
    lagP99: health?.lagP99 ?? null,
    lagMax: health?.lagMax ?? null,
    rss: health?.rss ?? null,
  }
}

function running(leader: Leader, { rank, slots }: Agent): LiveRun[] {
  return slots.flatMap(({ orders, since }) => {
    const run = orders[0] === undefined ? undefined : leader.runs.get(orders[0])
    return run
      ? [
          {
            run: run.plan.run,
            rank,
            attempt: run.attempt,
            seconds: leader.now - since,
            progress: run.progress ?? null,
          },
        ]
      : []
  })
}

export interface End {
  readonly exit: number
  readonly reason: string
  readonly finished: number
  readonly failed: number
  readonly left: number
}

/** How it ended: what the command shows and exits with. */
export function endOf(leader: Leader): End {
  const { finished, failed, waiting, running: stillRunning } = leader.counts
  const left = waiting + stillRunning
  const exit = left > 0 ? (leader.stopping?.fate === 'bad-data' ? 3 : 6) : failed > 0 ? 5 : 0
  // one that was told to stop when nothing was left to do came to its end
  const reason =
    (left > 0 ? leader.stopping?.reason : undefined) ??
    (exit === 0 ? 'all RUNs finished' : `${plural(failed, 'RUN')} failed`)
  return { exit, reason, finished, failed, left }
}

/** status.json */
export async function writeStatus(
  end: End,
  exp: Experiment,
  started: Date,
  live: LiveStatus,
): Promise<void> {
  const { exit, reason, finished, failed, left } = end
  const { lagP99, lagMax, strangers, ranks } = live
  const status = {
    exit,
    reason,
    finished,
    failed,
    notStarted: left,
    begun: live.begun,
    started: started.toISOString(),
    ended: new Date().toISOString(),
    strangers,
    lagP99,
    lagMax,
    ranks,
  }
  await writeAtomic(layout.status(exp.path), `${JSON.stringify(status, null, 2)}\n`)
}
