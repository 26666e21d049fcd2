import { secondsOf } from '../base/walltime.js'

/**
 * When the job ends, on the leader's clock: what the job script or the scheduler says, else WALLTIME from now.
 * @param walltime as settings.ts has checked it; '' for none
 * @returns seconds; Infinity where nobody says
 */
export function deadlineOf(
  walltime: string,
  env: Readonly<Record<string, string | undefined>>,
  now: number,
): number {
  // both in seconds since 1970
  const end = Number(env['SLURM_JOB_END_TIME'] ?? env['UPF_HEDS_JOB_END'])
  if (end > 0) return now + (end - Date.now() / 1000)
  const seconds = secondsOf(walltime)
  return seconds === undefined ? Infinity : now + seconds
}
