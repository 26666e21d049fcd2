import { readIfThere } from '../base/files.js'
import { HedError } from '../base/errors.js'

/** Descriptors of a process beside those its ranks or executors need: journal, log, sockets, libzmq's and Node's own. */
const OWN = 64
/** Pipes of our own launcher to each rank. */
const PER_CHILD = 2
/** Pipes of an agent to each executor. */
const PER_EXECUTOR = 4

/**
 * A leader that runs out of descriptors in the middle of a sweep serves nobody: refuse before it begins.
 * (Node raises its soft limit to the hard one by itself.)
 *
 * @param ranks as PROCS
 * @throws HedError USAGE naming the number needed
 */
export function requireDescriptors(ranks: number): void {
  requireAtLeast(`a leader of ${ranks} ranks needs`, ranks + OWN)
}

/**
 * The same for all processes of a sweep that begins on this machine; each has the limit for itself.
 * @param slots executors of one agent
 */
export function requireLocalDescriptors(ranks: number, slots: number): void {
  requireAtLeast(`${ranks} ranks need`, ranks * PER_CHILD + OWN)
  requireAtLeast(`a rank with ${slots} executors needs`, slots * PER_EXECUTOR + OWN)
}

function requireAtLeast(who: string, needed: number): void {
  const limit = descriptorLimit()
  if (limit >= needed) return
  throw new HedError('USAGE', `${who} ${needed} open files, the limit here is ${limit}`, {
    hint: `Raise it with \`ulimit -n ${needed}\` (beyond the hard limit: ask the administrator), or lower PROCS.`,
  })
}

/** The limit in force; Infinity where the system does not tell. */
function descriptorLimit(): number {
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readIfThere('/proc/self/limits') ?? '')
  const limit = Number(line?.[1])
  return limit > 0 ? limit : Infinity
}
