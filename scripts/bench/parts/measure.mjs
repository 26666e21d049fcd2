// What benchmarks of whole commands have in common.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

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

/** MB of a process, 0 if it is gone. */
export function memory(pid, file = 'status', field = 'VmRSS') {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Seconds of processor that a process has used. */
export function cpu(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return NaN
  }
}
