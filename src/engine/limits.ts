import { readIfThere } from '../base/files.js'
import { HedError } from '../base/errors.js'

/** Descriptors of a leader beside one a peer: journal, log, sockets, libzmq's own, Node's own. */
const OWN = 64

/**
 * A leader that runs out of descriptors in the middle of a sweep serves nobody: refuse before it begins.
 * (Node raises its soft limit to the hard one by itself.)
 *
 * @param ranks as PROCS
 * @throws HedError USAGE naming the number needed
 */
export function requireDescriptors(ranks: number, each = 1): void {
  const limit = descriptorLimit()
  const needed = ranks * each + OWN
  if (limit >= needed) return
  throw new HedError(
    'USAGE',
    `${ranks} ranks need ${needed} open files, the limit of this machine is ${limit}`,
    {
      hint: `Raise it with \`ulimit -n ${needed}\` (hard limit: ask the administrator), or use fewer ranks.`,
    },
  )
}

/** The limit in force; Infinity where the system does not tell. */
function descriptorLimit(): number {
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readIfThere('/proc/self/limits') ?? '')
  const limit = Number(line?.[1])
  return limit > 0 ? limit : Infinity
}
