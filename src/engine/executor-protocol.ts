import type { RunId } from '../base/ids.js'
import { isObject, isText, shape, type Check } from '../base/shape.js'
import type { Progress } from '../experiment/workflow.js'
import type { Fate } from '../experiment/fate.js'
import type { Finish } from '../experiment/journal.js'
import { isFated, isFinish, isNamed, isProgress } from './bodies.js'
import type { Order } from './protocol.js'
import type { SourcePlace } from './stage-source.js'

/**
 * Agent and executor: one JSON object a line, on file descriptor 3 (to the executor) and 4 (from it).
 * stdout and stderr stay free for the workflow; the agent stamps their lines into the rank's log.
 * What follows a line `\u0001RUN ATTEMPT` on either of them is that attempt's (output-marks.ts).
 * When descriptor 3 closes the executor must end at once, whatever it is doing.
 *
 *     agent                      executor
 *       stage ─────────────────────>        a short-lived executor: node-local form of the data
 *            <───────────── staged │ ended      it may go on feeding other nodes, and then exits
 *       open ──────────────────────>        load workflow, data and backend, once
 *            <───────────── opened │ ended
 *       run ───────────────────────>        one RUN at a time, in the order they come
 *            <─────── progress …
 *       leader ────────────────────>        the RUN is now that of a later leader
 *       stop ──────────────────────>        make the last finished epoch durable, end the RUN
 *            <────────────── done │ ended │ dying
 *
 * An executor may be written in any language.
 */
export type ToExecutor =
  | {
      readonly type: 'stage'
      /** URL of the workflow's module. */
      readonly workflow: string
      readonly dataSource: string
      /** sha256 over the files, as in exp.json: other data is refused. */
      readonly digest: string
      /** Folder to fill; made by the executor, published by rename. */
      readonly target: string
      /** The leader's node may give it; undefined where there is no other node. */
      readonly source?: SourcePlace | undefined
    }
  | {
      readonly type: 'open'
      readonly workflow: string
      readonly data: string
      readonly threads: number
      readonly backend: string
    }
  | {
      readonly type: 'run'
      readonly order: Order
      /** EXP directory. */
      readonly exp: string
      readonly leaderEpoch: number
      readonly nonce: string
      readonly rank: number
      readonly host: string
      readonly tile: number
      /** Node-local folder for this RUN alone. */
      readonly temporary: string
      /** sha256 of the data: goes into the marker. */
      readonly data: string
    }
  | { readonly type: 'leader'; readonly epoch: number }
  /** End that RUN; another one goes on. */
  | { readonly type: 'stop'; readonly run: RunId; readonly attempt: number }
  | { readonly type: 'withdraw'; readonly run: RunId; readonly attempt: number }

export type FromExecutor =
  | { readonly type: 'staged' }
  | { readonly type: 'opened' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'done'; readonly finish: Finish }
  | { readonly type: 'ended'; readonly fate: Fate; readonly message: string }
  | { readonly type: 'withdrawn'; readonly run: RunId; readonly attempt: number }
  /** Its last word: an error that nobody has caught ends it. */
  | { readonly type: 'dying'; readonly message: string }

/** RUNs that an executor has in hand beside the one that runs, so that it need not wait for the next. */
export const AHEAD = 128

const CHECKS: Readonly<Record<FromExecutor['type'], Check>> = {
  staged: isObject,
  opened: isObject,
  progress: shape({ progress: isProgress }),
  done: shape({ finish: isFinish }),
  ended: isFated,
  withdrawn: isNamed,
  dying: shape({ message: isText }),
}

/** One line from an executor; undefined if it is none of ours. */
export function parseFromExecutor(line: string): FromExecutor | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isObject(value) || typeof value['type'] !== 'string') return undefined
  const { type } = value
  return Object.hasOwn(CHECKS, type) && CHECKS[type as FromExecutor['type']](value)
    ? (value as unknown as FromExecutor)
    : undefined
}
