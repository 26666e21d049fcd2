import type { Fate } from '../experiment/fate.js'

/** Attempts of one RUN that ended badly, by what they count against. */
export interface Tally {
  readonly failures: number
  readonly crashes: number
  readonly losses: number
  /** Disks that could not be written: never the RUN's own fault. */
  readonly disks: number
}

export const NO_FAULTS: Tally = { failures: 0, crashes: 0, losses: 0, disks: 0 }

/** Losses of a node before they count as the RUN's own fault: nodes fail by themselves now and then. */
const FREE_LOSSES = 2

/** The next loss counts. */
export function isSuspect({ losses }: Tally): boolean {
  return losses >= FREE_LOSSES
}

/** Count one more fate. */
export function tally(before: Tally, fate: Fate): Tally {
  switch (fate) {
    case 'failed':
    case 'no-marker':
      return { ...before, failures: before.failures + 1 }
    case 'crashed':
    case 'out-of-memory':
    case 'hung':
      return { ...before, crashes: before.crashes + 1 }
    case 'node-lost':
      return { ...before, losses: before.losses + 1 }
    case 'no-disk':
      return { ...before, disks: before.disks + 1 }
    case 'bad-data':
    case 'walltime':
    case 'stopped':
      return before
  }
}

/** May the RUN be given out again after `fate`, `after` being the tally that includes it? */
export function mayRetry(
  fate: Fate,
  after: Tally,
  limits: { readonly retries: number; readonly crashLimit: number },
): boolean {
  if (fate === 'bad-data') return false
  const lost = Math.max(0, after.losses - FREE_LOSSES)
  return after.failures <= limits.retries && after.crashes + lost < limits.crashLimit
}
