import * as fs from 'node:fs'
import { codeOf } from './errors.js'
import { readIfThere } from './files.js'

/** A process of one host, told from another one that has its number later. */
export interface ProcessIdentity {
  readonly boot: string
  readonly pid: number
  /** Start time in clock ticks since boot. */
  readonly start: string
}

export function ownIdentity(): ProcessIdentity {
  return (own ??= { boot: bootId(), pid: process.pid, start: startTime(process.pid) })
}

let own: ProcessIdentity | undefined

/** Does it live, on this host? */
export function isAlive({ boot, pid, start }: ProcessIdentity): boolean {
  return boot === bootId() && startTime(pid) === start
}

function bootId(): string {
  return (readIfThere('/proc/sys/kernel/random/boot_id') ?? '').trim()
}

/** Field 22 of /proc/PID/stat; empty for a process that is gone or a zombie, or without /proc. */
function startTime(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return fs.existsSync('/proc/self') ? '' : aliveText(pid)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? '' : (fields[19] ?? '')
}

/** Without /proc (macOS) a living pid is all that can be asked for. */
function aliveText(pid: number): string {
  try {
    process.kill(pid, 0)
    return 'alive'
  } catch (error) {
    return codeOf(error) === 'EPERM' ? 'alive' : ''
  }
}
