import { readdir, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CkptOptions } from './options.js'

/** Epochs that have a checkpoint, ascending. */
export async function epochNumbers(directory: string): Promise<number[]> {
  const names = await readdir(join(directory, 'epochs')).catch(() => [])
  return names
    .filter(name => /^\d{3,}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/**
 * Which epochs stay: the newest, up to the limit; `best` and `last` always.
 * `all` is without limit. `exponential` keeps the oldest of each distance 1, 2–3, 4–7, … from the newest.
 *
 * @param epochs ascending
 */
export function keptEpochs(
  epochs: readonly number[],
  named: ReadonlySet<number>,
  { keepLimit, keepMode }: Pick<CkptOptions, 'keepLimit' | 'keepMode'>,
): Set<number> {
  if (keepMode === 'all') return new Set(epochs)
  const newest = epochs.at(-1) ?? 0
  const chosen =
    keepMode === 'linear'
      ? epochs.slice(Math.max(0, epochs.length - keepLimit))
      : [...new Map([...epochs].reverse().map(e => [bucket(newest - e), e])).values()].slice(
          0,
          keepLimit,
        )
  return new Set([...chosen, ...named].filter(e => epochs.includes(e)))
}

function bucket(distance: number): number {
  return distance === 0 ? -1 : Math.floor(Math.log2(distance))
}

/** Remove the epochs that need not stay, those of earlier attempts too. */
export async function cleanEpochs(
  directory: string,
  options: Pick<CkptOptions, 'keepLimit' | 'keepMode'>,
  log: (text: string) => Promise<void>,
): Promise<void> {
  const epochs = await epochNumbers(directory)
  const named = new Set<number>()
  for (const name of ['best', 'last']) {
    const target = await readlink(join(directory, name)).catch(() => '')
    named.add(Number(/(\d+)$/.exec(target)?.[1] ?? -1))
  }
  const kept = keptEpochs(epochs, named, options)
  for (const epoch of epochs) {
    if (kept.has(epoch)) continue
    await rm(join(directory, 'epochs', String(epoch).padStart(3, '0')), {
      recursive: true,
      force: true,
    })
    await log(`clean(): deleted epoch: ${epoch}`)
  }
}

/** Remove what attempts before this one left half done. A later attempt's is left alone: this one may be late. */
export async function cleanWork(directory: string, own: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names)
    if (name.startsWith('work-') && !name.startsWith(own) && !isLater(name, own))
      await rm(join(directory, name), { recursive: true, force: true })
}

/** By leader epoch, then attempt: `work-<leaderEpoch>-<attempt>-<nonce>`. */
function isLater(name: string, own: string): boolean {
  const [a, b] = [name, own].map(n => n.split('-').slice(1, 3).map(Number))
  return a![0] === b![0] ? a![1]! > b![1]! : a![0]! > b![0]!
}
