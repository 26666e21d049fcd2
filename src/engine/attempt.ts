import { mkdir } from 'node:fs/promises'
import { sha256 } from '../base/digest.js'
import { HedError } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import type { Finish } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarkerAsync, writeMarker } from '../experiment/marker.js'
import { parametersText } from '../experiment/parameters-file.js'
import type { Progress, Session } from '../experiment/workflow.js'
import type { ToExecutor } from './executor-protocol.js'
import { passFence, type LeaderEpoch } from './fence.js'

/**
 * One attempt of one RUN, in the executor: what every workflow's RUN has in common.
 * The marker is written last, and read back: a restart trusts it.
 *
 * @throws Stopped when told to stop, or when a newer attempt or leader has taken over
 */
export async function doRun(
  session: Session,
  task: ToExecutor & { type: 'run' },
  epoch: LeaderEpoch,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Finish> {
  const { order, exp, rank, host, tile } = task
  const { run, attempt, params, origins, resolved } = order
  const began = performance.now()
  const directory = layout.run(exp, run)
  await mkdir(directory, { recursive: true })
  const ownership = `rank = ${rank}\nhost = ${host}\ntile = ${tile}\nattempt = ${attempt}\nleader = ${task.leaderEpoch}\n`
  await writeAtomic(layout.rankFile(exp, run), ownership)
  await writeAtomic(layout.parameters(exp, run), parametersText(params, origins, resolved))

  const fence = () =>
    passFence(layout.engine(exp), layout.rankFile(exp, run), ownership, epoch, signal)
  const outcome = await session.run({
    run,
    attempt,
    params,
    resolved,
    directory,
    temporary: task.temporary,
    workName: `work-${task.leaderEpoch}-${attempt}-${task.nonce}`,
    signal,
    fence,
    progress: onProgress,
    log: text => console.log(`${run}: ${text}`),
  })
  const expected = { params: order.digest, data: task.data, seed: params['seed'] ?? 0 }
  await fence()
  const marker = await writeMarker(exp, run, { attempt, ...outcome, ...expected })
  const found = await validateMarkerAsync(exp, run, expected)
  if (!found.valid) throw new HedError('FAILED', `${run}: the marker just written: ${found.why}`)
  return {
    marker: sha256(marker),
    bytes: Buffer.byteLength(marker),
    epochs: outcome.epochs,
    reason: outcome.reason,
    seconds: (performance.now() - began) / 1000,
  }
}
