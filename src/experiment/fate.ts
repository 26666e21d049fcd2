/**
 * How an attempt ended without a valid marker.
 *
 *     failed         exit code or an error of the workflow's own     counts against `retries`
 *     no-marker      said done, but the marker is missing or wrong   counts against `retries`
 *     crashed        died of a signal                                counts against the crash limit
 *     out-of-memory  the heap or the memory limit was passed         once more with twice the memory where
 *                                                                    a limit is set, else as crashed
 *     hung           no progress, or past its timeout                counts against the crash limit
 *     node-lost      its agent went away                             counts from its third on one RUN
 *     no-disk        files could not be written      never counts; the second one of a RUN stops the sweep
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
  'no-disk',
  'bad-data',
  'walltime',
  'stopped',
] as const
export type Fate = (typeof FATES)[number]
