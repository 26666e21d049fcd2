import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ownMark, stateOf } from '../base/mark.js'
import { removeTree } from '../stage/remove-tree.js'
import type { Order } from './protocol.js'

/**
 * Node-local folders of a rank's attempts, `MARK-RUN-ATTEMPT-NUMBER`: no two executors ever meet in one, also
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
const IN_HAND = 64

/**
 * Begin with none: what processes that are gone have left is in nobody's use, nor what an earlier life of
 * this one has. Not told by rank: another process may have been given the same by mistake.
 * @param folder of the EXP, below TMP_ROOT; need not exist
 */
export async function ownTemporary(folder: string): Promise<Temporary> {
  const told = new Map<number, string[]>()
  let number = 0
  for (const name of await readdir(folder).catch(() => []))
    if (stateOf(name) === 'gone' || name.startsWith(`${ownMark()}-`))
      await removeTree(join(folder, name)).catch(() => undefined)
  return {
    next: (slot, { run, attempt }) => {
      const path = join(folder, `${ownMark()}-${run}-${attempt}-${++number}`)
      const paths = told.get(slot) ?? []
      if (paths.push(path) > IN_HAND) paths.shift()
      told.set(slot, paths)
      return path
    },
    left: slot => {
      for (const path of told.get(slot) ?? []) void removeTree(path).catch(() => undefined) // one that stays is no reason to stop
      told.delete(slot)
    },
  }
}
