import { existsSync } from 'node:fs'
import { lstat, readdir, readlink, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { epochNumbers } from './ckpt-keep.js'

/** What one RUN's checkpoints take, and what of it may go. */
export interface Dropped {
  /** Epochs that have a model, ascending. */
  readonly models: readonly number[]
  /** Of these the ones whose model is not needed. */
  readonly dropped: readonly number[]
  /** That they take. */
  readonly bytes: number
}

/**
 * Remove the models of all but the newest epochs. What `best` or `last` name stays, wherever it is in the order; so does
 * the newest where either cannot be followed, and every ckpt-info.json, which is small and tells how training went.
 *
 * @param directory `ckpts` of a RUN, ours or the original workflow's @param keep newest epochs that stay, ≥ 0
 * @param dryRun only look
 */
export async function dropModels(
  directory: string,
  keep: number,
  dryRun: boolean,
): Promise<Dropped> {
  const found = new Map<number, readonly string[]>()
  for (const epoch of await epochNumbers(directory)) {
    const files = (await readdir(folderOf(directory, epoch))).filter(name => name.endsWith('.h5'))
    if (files.length > 0) found.set(epoch, files)
  }
  const models = [...found.keys()]
  // after the list was read: a RUN that goes on moves its links to newer epochs alone
  const links = [
    await namedBy(join(directory, 'best'), directory, models),
    await namedBy(join(directory, 'last'), directory, models),
  ]
  const named = new Set(links.flatMap(epochs => [...epochs]))
  // where a link does not lead to a model the newest one may be what it should say
  const doLead = links.every(epochs => models.some(epoch => epochs.has(epoch)))
  const least = doLead ? keep : Math.max(1, keep)
  const newest = new Set(models.slice(Math.max(0, models.length - least)))
  const dropped = models.filter(epoch => !newest.has(epoch) && !named.has(epoch))
  let bytes = 0
  for (const epoch of dropped)
    for (const name of found.get(epoch)!) {
      const path = join(folderOf(directory, epoch), name)
      bytes += (await stat(path)).size
      if (!dryRun) await rm(path, { force: true })
    }
  return { models, dropped, bytes }
}

/** Epochs that a link names: by the folder that it leads to, and by the number of one into another EXP. */
async function namedBy(
  path: string,
  directory: string,
  epochs: readonly number[],
): Promise<ReadonlySet<number>> {
  const link = await lstat(path).catch(() => undefined)
  if (!link?.isSymbolicLink()) return new Set()
  const named = new Set([Number(/(\d+)\/?$/.exec(await readlink(path))?.[1] ?? -1)])
  if (!existsSync(path)) return named
  const real = await realpath(path)
  for (const epoch of epochs)
    if ((await realpath(folderOf(directory, epoch))) === real) named.add(epoch)
  return named
}

function folderOf(directory: string, epoch: number): string {
  return join(directory, 'epochs', String(epoch).padStart(3, '0'))
}
