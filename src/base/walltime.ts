/**
 * `H:MM:SS`, `M:SS` or seconds, as settings.ts has checked.
 * @returns seconds; undefined for ''
 */
export function secondsOf(walltime: string): number | undefined {
  if (walltime === '') return undefined
  return walltime.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}
