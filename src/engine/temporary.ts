import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../base/errors.js'
import type { Order } from './protocol.js'

/**
 * Node-local folders of a rank's attempts, `PID-RUN-ATTEMPT-NUMBER`: no two executors ever meet in one, also
 * where an order is told again. An executor removes its own; what one that was killed has left is the agent's
 * to remove.
 */
export interface Temporary {
  /** Where an attempt that is told to a slot's executor may write. */
  next(slot: number, order: Pick<Order, 'run' | 'attempt'>): string
  /** The executor of the slot is gone. */
  left(slot: number): void
}

/** More than an executor ever has in hand: one of these may be the one it was killed in. */
const IN_HAND = 16

/**
 * Begin with none: what processes that are gone have left is in nobody's use, nor what an earlier life of
 * this one has. Not told by rank: another process may have been given the same by mistake.
 * @param folder of the EXP, below TMP_ROOT; need not exist
 */
export async function ownTemporary(folder: string): Promise<Temporary> {
  const told = new Map<number, string[]>()
  let number = 0
  for (const name of await readdir(folder).catch(() => []))
    if (!isAnothers(Number.parseInt(name, 10))) await remove(join(folder, name))
  return {
    next: (slot, { run, attempt }) => {
      const path = join(folder, `${process.pid}-${run}-${attempt}-${++number}`)
      told.set(slot, [...(told.get(slot) ?? []), path].slice(-IN_HAND))
      return path
    },
    left: slot => {
      for (const path of told.get(slot) ?? []) void remove(path)
      told.delete(slot)
    },
  }
}

/** A file that stays is no reason to stop. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined)
}

/** A living process that is not this one. */
function isAnothers(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
