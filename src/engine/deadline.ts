/**
 * When the job ends, on the leader's clock: what the scheduler says, else WALLTIME from now.
 * @param walltime `H:MM:SS`, `M:SS` or seconds, as settings.ts has checked; '' for none
 * @returns seconds; Infinity where nobody says
 */
export function deadlineOf(
  walltime: string,
  env: Readonly<Record<string, string | undefined>>,
  now: number,
): number {
  const slurm = Number(env['SLURM_JOB_END_TIME']) // seconds since 1970
  if (slurm > 0) return now + (slurm - Date.now() / 1000)
  if (walltime === '') return Infinity
  const parts = walltime.split(':').map(Number)
  return now + parts.reduce((sum, part) => sum * 60 + part, 0)
}
