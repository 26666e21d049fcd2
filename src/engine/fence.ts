import { setTimeout as sleep } from 'node:timers/promises'
import { readIfThere } from '../base/files.js'
import { Stopped } from '../experiment/workflow.js'
import { readRendezvousSync } from './rendezvous.js'

/** Epoch of the leader that a RUN belongs to. It grows when a later leader adopts the RUN. */
export interface LeaderEpoch {
  readonly value: () => number
  set(epoch: number): void
  /** Resolves at the next `set`, or when `signal` is aborted. */
  changed(signal: AbortSignal): Promise<void>
}

export function newLeaderEpoch(first: number): LeaderEpoch {
  let epoch = first
  const wake = new Set<() => void>()
  return {
    value: () => epoch,
    set: next => {
      epoch = Math.max(epoch, next)
      for (const resolve of wake) resolve()
    },
    changed: signal =>
      new Promise(resolve => {
        const done = () => {
          wake.delete(done)
          resolve()
        }
        wake.add(done)
        signal.addEventListener('abort', done, { once: true })
      }),
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
    if (readIfThere(file) !== ownership) {
      console.log(`${file}: another attempt has taken over; this one ends`)
      throw new Stopped()
    }
    const found = readRendezvousSync(engine)
    if (found && found.epoch <= epoch.value()) return
    if (signal.aborted) throw new Stopped()
    await changeOf(epoch, signal)
  }
}

/** A rendezvous that cannot be read for a moment is asked for again. */
const AGAIN_MS = 1000

/** Another leader has adopted the RUN, it shall stop, or a second has passed. */
async function changeOf(epoch: LeaderEpoch, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([over.signal, signal])
  await Promise.race([
    epoch.changed(either),
    sleep(AGAIN_MS, undefined, { signal: either }).catch(() => undefined),
  ])
  over.abort()
}
