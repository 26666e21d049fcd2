/** A dead rank is started again this often within the window; a machine that kills more has a fault of its own. */
const RESTARTS = 3
const WINDOW_MS = 10 * 60 * 1000

/** @returns a function that says of a rank that has died whether it shall be started again */
export function newRestarts(
  now: () => number = () => performance.now(),
): (rank: number) => boolean {
  const times = new Map<number, number[]>()
  return rank => {
    const recent = (times.get(rank) ?? []).filter(time => now() - time < WINDOW_MS)
    if (recent.length >= RESTARTS) return false
    times.set(rank, [...recent, now()])
    return true
  }
}
