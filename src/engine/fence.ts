import { readFile } from 'node:fs/promises'
import { Stopped } from '../experiment/workflow.js'
import { readRendezvous } from './rendezvous.js'

/** Epoch of the leader that a RUN belongs to. It grows when a later leader adopts the RUN. */
export interface LeaderEpoch {
  readonly value: () => number
  set(epoch: number): void
  /** Resolves at the next `set`. */
  changed(): Promise<void>
}

export function newLeaderEpoch(first: number): LeaderEpoch {
  let epoch = first
  let wake: (() => void)[] = []
  return {
    value: () => epoch,
    set: next => {
      epoch = Math.max(epoch, next)
      for (const resolve of wake) resolve()
      wake = []
    },
    changed: () => new Promise(resolve => wake.push(resolve)),
  }
}

/**
 * May this attempt still write? Passed before each rename of a checkpoint and before the marker.
 * Another attempt in rank.txt: no. A later leader: wait until our agent says that it has adopted the RUN,
 * or tells us to stop.
 *
 * @param engine `.engine` of the EXP
 * @param file rank.txt; @param ownership what this attempt wrote there
 * @throws Stopped
 */
export async function passFence(
  engine: string,
  file: string,
  ownership: string,
  epoch: LeaderEpoch,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    if ((await readFile(file, 'utf8')) !== ownership) {
      console.log(`${file}: another attempt has taken over; this one ends`)
      throw new Stopped()
    }
    const found = await readRendezvous(engine)
    if (found && found.epoch <= epoch.value()) return
    if (signal.aborted) throw new Stopped()
    await Promise.race([
      epoch.changed(),
      new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
        setTimeout(resolve, AGAIN_MS)
      }),
    ])
  }
}

/** A rendezvous that cannot be read for a moment is asked for again. */
const AGAIN_MS = 1000
