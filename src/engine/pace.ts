/**
 * How fast RUNs and epochs go here, measured: for patience with silent RUNs, for the end of the walltime,
 * and for how many tiny RUNs a slot gets at once.
 */
export interface Pace {
  /** Seconds of the last epochs, a ring. */
  readonly epochs: number[]
  next: number
  /** Seconds of a RUN, moving mean of what executors say; undefined before the first one. */
  run: number | undefined
  /** Sorted `epochs`, made when asked for. */
  sorted: number[] | undefined
}

/** Epochs remembered: enough for a 95th percentile, few enough to follow a change. */
const REMEMBERED = 512

export function newPace(): Pace {
  return { epochs: [], next: 0, run: undefined, sorted: undefined }
}

export function addEpoch(pace: Pace, seconds: number): void {
  if (!(seconds >= 0)) return
  pace.epochs[pace.next] = seconds
  pace.next = (pace.next + 1) % REMEMBERED
  pace.sorted = undefined
}

/** @param seconds negative: not known */
export function addRun(pace: Pace, seconds: number): void {
  if (seconds >= 0) pace.run = pace.run === undefined ? seconds : pace.run * 0.9 + seconds * 0.1
}

/** @param share 0.5: median, 0.95 … @returns seconds; undefined before the first epoch */
export function epochQuantile(pace: Pace, share: number): number | undefined {
  pace.sorted ??= pace.epochs.toSorted((a, b) => a - b)
  return pace.sorted[Math.min(pace.sorted.length - 1, Math.floor(share * pace.sorted.length))]
}

/** Seconds without progress after which a RUN is taken for hung: no less than five minutes. */
export function patience(pace: Pace): number {
  return Math.max(300, 4 * (epochQuantile(pace, 0.5) ?? 0))
}

/** Seconds of work that a slot should have in hand: many times the way to the leader and back. */
const IN_HAND = 0.02

/** Seconds: no RUN with files of its own is shorter. */
const LEAST = 5e-5

/** Seconds that an answer and what it brings may take: piles that last no longer are not shared out. */
const TRIP = 0.005

/**
 * How many RUNs a slot gets at once: one, or where RUNs are tiny as many as hide the way to the leader.
 * Towards the end of the queue fewer, so that no slot is left with a pile while others are idle.
 */
export function depth(pace: Pace, limit: number, waiting: number, slots: number): number {
  if (limit <= 1 || pace.run === undefined) return 1
  const lasting = (seconds: number) => Math.floor(seconds / Math.max(pace.run!, LEAST))
  const share = Math.floor(waiting / (2 * Math.max(1, slots)))
  return Math.max(1, Math.min(limit, lasting(IN_HAND), Math.max(share, lasting(TRIP))))
}
