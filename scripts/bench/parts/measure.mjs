// What benchmarks of whole commands have in common.
import { spawnSync } from 'node:child_process'

/** Seconds of wall time that a command takes. @throws if it fails */
export function timed(program, args, options = {}) {
  const begun = performance.now()
  const ended = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  if (ended.status !== 0)
    throw new Error(`${program} ${args.join(' ')}: exit ${ended.status} ${ended.stderr}`)
  return (performance.now() - begun) / 1000
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** To so many significant digits. */
export function round(value, digits = 3) {
  return Number(value.toPrecision(digits))
}
