import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Order } from './protocol.js'

/**
 * Node-local folders of a rank's attempts, `RANK-RUN-ATTEMPT`: two attempts of one RUN on one node never
 * meet in one. An executor removes its own; what one that was killed has left is the agent's to remove.
 */
export interface Temporary {
  /** Where the attempt that begins in a slot may write. */
  next(slot: number, order: Pick<Order, 'run' | 'attempt'>): string
  /** The executor of the slot is gone. */
  left(slot: number): void
}

/**
 * Begin with none: what is there in this rank's name is of an earlier life of it, and nobody uses it.
 * @param folder of the EXP, below TMP_ROOT; need not exist
 */
export async function ownTemporary(folder: string, rank: number): Promise<Temporary> {
  const last = new Map<number, string>()
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(`${rank}-`)) await remove(join(folder, name))
  return {
    next: (slot, { run, attempt }) => {
      const path = join(folder, `${rank}-${run}-${attempt}`)
      last.set(slot, path)
      return path
    },
    left: slot => {
      const path = last.get(slot)
      last.delete(slot)
      if (path !== undefined) void remove(path)
    },
  }
}

/** A file that stays is no reason to stop. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined)
}
