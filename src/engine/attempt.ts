import { inspect } from 'node:util'
import { sha256 } from '../base/digest.js'
import { HedError } from '../base/errors.js'
import { among, isCount, isText, list, shape } from '../base/shape.js'
import { oneLine } from '../base/lines.js'
import type { Finish } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarker, writeMarker } from '../experiment/marker.js'
import type { Progress, Session } from '../experiment/workflow.js'
import { claim, finishedBefore } from './claim.js'
import { patiently, type Stop } from './disk.js'
import type { ToExecutor } from './executor-protocol.js'
import { passFence, type LeaderEpoch } from './fence.js'

/** A RUN of fewer seconds is not synced: after a power failure it is cheaper to run it again. */
const WORTH_A_SYNC = 1

/**
 * No fence is closed within so few ms of writing rank.txt; whoever takes over then meets a RUN that is about
 * to end, as anyone does between a fence and its rename.
 */
const JUST_BEGUN_MS = 5

/**
 * One attempt of one RUN, in the executor: what every workflow's RUN has in common.
 * The marker is written last. One that a restart will trust unread is synced and read back.
 *
 * @throws Stopped when told to stop, or when a newer attempt or leader has taken over
 */
export async function doRun(
  session: Session,
  task: ToExecutor & { type: 'run' },
  epoch: LeaderEpoch,
  stop: Stop,
  onProgress: (progress: Progress) => void,
): Promise<Finish> {
  const { order, exp } = task
  const { run, attempt, params, resolved } = order
  const began = performance.now()
  const expected = { params: order.digest, data: task.data, seed: params['seed'] ?? 0 }
  const claimed = await patiently(() => claim(task, expected), stop)
  if ('finish' in claimed) return claimed.finish
  const { ownership } = claimed

  const isJustBegun = () => performance.now() - began < JUST_BEGUN_MS
  const fence = async () => {
    if (isJustBegun()) return
    await passFence(layout.engine(exp), layout.rankFile(exp, run), ownership, epoch, stop.signal)
  }
  const outcome = await session.run({
    run,
    attempt,
    params,
    resolved,
    digests: { params: expected.params, data: expected.data },
    directory: layout.run(exp, run),
    temporary: task.temporary,
    workName: `work-${task.leaderEpoch}-${attempt}-${task.nonce}`,
    get signal() {
      return stop.signal // made when it is first asked for: it costs as much as a file
    },
    fence,
    progress: onProgress,
    log: text => console.log(`${run}: ${text}`),
  })
  requireOutcome(outcome)
  const seconds = (performance.now() - began) / 1000
  const durable = seconds >= WORTH_A_SYNC
  const marker = await patiently(async () => {
    await fence()
    const earlier = isJustBegun() ? undefined : finishedBefore(exp, run, expected)
    return earlier ?? writeMarker(exp, run, { attempt, ...outcome, ...expected }, durable)
  }, stop)
  // an earlier attempt was between its fence and its marker when this one began
  if (typeof marker !== 'string') return marker
  const found = durable ? validateMarker(exp, run, expected) : undefined
  if (found?.valid === false)
    throw new HedError('FAILED', `${run}: the marker just written: ${found.why}`)
  return {
    marker: sha256(marker),
    epochs: outcome.epochs,
    reason: outcome.reason,
    seconds,
    durable,
  }
}

const isOutcome = shape({
  epochs: isCount,
  reason: among(['completed', 'early stopping']),
  outputs: list(isText),
})

/** A workflow may be plain JavaScript. @throws HedError FAILED saying what it returned and what was wanted */
function requireOutcome(said: unknown): void {
  if (isOutcome(said)) return
  throw new HedError(
    'FAILED',
    `the workflow's run() returned ${oneLine(inspect(said))}, ` +
      `want { epochs: 3, reason: "completed" or "early stopping", outputs: ["result.txt"] }`,
  )
}
