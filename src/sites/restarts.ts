/**
 * A dead rank is started again this often within the window for each of its executors; a machine that kills more has
 * a fault of its own. No fewer than a RUN that kills its agent takes to be given up (engine/fates.ts).
 */
const RESTARTS = 5
/** More executors than this do not make it more. */
const COUNTED = 4
const WINDOW_MS = 10 * 60 * 1000

export interface Mortal {
  readonly rank: number
  /** Executors; the leader has none. */
  readonly slots: number
}

/** @returns a function that says of a rank that has died whether it shall be started again */
export function newRestarts(now: () => number = () => performance.now()): (who: Mortal) => boolean {
  const times = new Map<number, number[]>()
  return ({ rank, slots }) => {
    const recent = (times.get(rank) ?? []).filter(time => now() - time < WINDOW_MS)
    if (recent.length >= RESTARTS * Math.min(Math.max(1, slots), COUNTED)) return false
    times.set(rank, [...recent, now()])
    return true
  }
}
