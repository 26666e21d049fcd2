/**
 * How an attempt ended without a valid marker.
 *
 *     failed         exit code or an error of the workflow's own     counts against `retries`
 *     no-marker      said done, but the marker is missing or wrong   counts against `retries`
 *     crashed        died of a signal                                counts against the crash limit
 *     out-of-memory  the heap or the memory limit was passed         counts against the crash limit
 *     hung           passed BENCHMARK_TIMEOUT                        counts against the crash limit
 *     node-lost      its agent went away                             counts from its third on one RUN
 *     bad-data       the data is wrong: the same for every attempt   not retried
 *     walltime, stopped   told to stop                               never count
 */
export const FATES = [
  'failed',
  'no-marker',
  'crashed',
  'out-of-memory',
  'hung',
  'node-lost',
  'bad-data',
  'walltime',
  'stopped',
] as const
export type Fate = (typeof FATES)[number]

/** Attempts of one RUN that ended badly, by what they count against. */
export interface Tally {
  readonly failures: number
  readonly crashes: number
  readonly losses: number
}

export const NO_FAULTS: Tally = { failures: 0, crashes: 0, losses: 0 }

/** Losses of a node before they count as the RUN's own fault: nodes fail by themselves now and then. */
const FREE_LOSSES = 2

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
