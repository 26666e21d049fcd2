import { existsSync, readdirSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { RunId } from '../base/ids.js'
import * as layout from '../experiment/layout.js'

/**
 * RUNs of an EXP whose marker is there, valid or not. Looked up on a thread of its own: a hundred thousand take
 * a third of a second, in which the leader reads plan and journal.
 */
export function markersThere(exp: string): Promise<ReadonlySet<RunId>> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { markersOf: exp } })
    worker.once('message', (names: string) => resolve(new Set(names.split('/') as RunId[])))
    worker.once('error', reject)
  })
}

const asked = workerData as { readonly markersOf?: string } | null
if (!isMainThread && asked?.markersOf !== undefined) {
  const exp = asked.markersOf
  const folder = layout.runs(exp)
  const runs = (existsSync(folder) ? readdirSync(folder) : []) as RunId[]
  // one string crosses the threads faster than many
  parentPort!.postMessage(runs.filter(run => existsSync(layout.marker(exp, run))).join('/'))
}
