import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Order } from './protocol.js'

/**
 * Node-local folders of a rank's attempts, `RANK-RUN-ATTEMPT-NUMBER`: no two executors ever meet in one, also
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
const IN_HAND = 8

/**
 * Begin with none: what is there in this rank's name is of an earlier life of it, and nobody uses it.
 * @param folder of the EXP, below TMP_ROOT; need not exist
 */
export async function ownTemporary(folder: string, rank: number): Promise<Temporary> {
  const told = new Map<number, string[]>()
  let number = 0
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(`${rank}-`)) await remove(join(folder, name))
  return {
    next: (slot, { run, attempt }) => {
      const path = join(folder, `${rank}-${run}-${attempt}-${++number}`)
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
