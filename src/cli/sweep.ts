import type { LeaderEvent } from '../engine/leader-events.js'

/** A sweep as its launcher sees it, built from the leader's events. */
export interface Sweep {
  readonly begun: number
  runs: number
  finished: number
  failed: number
  /** Finished before this start: they say nothing about the rate. */
  carried: number
  readonly running: Map<string, LeaderEvent & { type: 'run' }>
  readonly final: Set<string>
}

/** @param now seconds on a monotonic clock */
export function newSweep(now: number): Sweep {
  return {
    begun: now,
    runs: 0,
    finished: 0,
    failed: 0,
    carried: 0,
    running: new Map(),
    final: new Set(),
  }
}

export function onEvent(sweep: Sweep, event: LeaderEvent): void {
  switch (event.type) {
    case 'begin':
      sweep.runs = event.runs
      sweep.carried = event.finished.length
      sweep.finished = event.finished.length
      return
    case 'run':
      if (event.state === 'running') sweep.running.set(event.run, event)
      else sweep.running.delete(event.run)
      if ((event.state === 'finished' || event.state === 'failed') && !sweep.final.has(event.run)) {
        sweep.final.add(event.run)
        sweep[event.state]++
      }
      return
    case 'finished':
      for (const run of event.runs) {
        sweep.running.delete(run)
        if (sweep.final.has(run)) continue
        sweep.final.add(run)
        sweep.finished++
      }
      return
    case 'alert':
    case 'end':
  }
}

/** Seconds left if the rest goes as fast as what was done since the start; undefined as long as nothing was. */
export function remaining(sweep: Sweep, now: number): number | undefined {
  let done = sweep.finished + sweep.failed - sweep.carried
  for (const { progress } of sweep.running.values())
    if (progress?.epochs)
      done += Math.min(1, ((progress.epoch ?? 0) + (progress.part ?? 0)) / progress.epochs)
  const todo = sweep.runs - sweep.carried - done
  return done > 0.05 ? ((now - sweep.begun) / done) * todo : undefined
}
