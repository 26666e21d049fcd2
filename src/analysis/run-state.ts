import { existsSync } from 'node:fs'
import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { readLeaderSign } from '../experiment/live-status.js'
import { validateMarker } from '../experiment/marker.js'
import { readPlan, type PlannedRun } from '../experiment/plan.js'
import type { UpstreamExp } from '../experiment/upstream.js'
import { readStanding, type Standing } from './journal-standing.js'
import { historyOf, lastErrorOf, ownerOf } from './run-files.js'
import { readStatus } from './status-file.js'
import { upstreamStates } from './upstream-state.js'

/** An EXP that can be read: one of ours, or one that the original workflow left. */
export type ReadableExp = Experiment | UpstreamExp

/** A RUN as its files tell. */
export interface RunState {
  readonly run: RunId
  readonly plan: PlannedRun
  /**
   *     finished      its marker is valid
   *     running       in a rank's hands, and a leader leads
   *     damaged       it has a marker that does not fit: an output is cut or gone; `resume` does it again
   *     failed        given up, by the last leader
   *     interrupted   begun once; `resume` goes on with it
   *     not started   never begun
   */
  readonly state: 'finished' | 'running' | 'damaged' | 'failed' | 'interrupted' | 'not started'
  /** What is wrong with the marker or an output of a damaged RUN; '' of others. */
  readonly damage: string
  /** Epochs with a line in history.txt. */
  readonly epochs: number
  readonly early: boolean
  /** Mean seconds of an epoch, where known. */
  readonly epochSeconds: number | undefined
}

/**
 * All RUNs of an EXP, in UPF order: how `progress`, the report and all tables say that a RUN stands. Markers tell what has
 * finished, the journal what became of the others, rank.txt and error.json where it cannot be read.
 * @param verify compare the crc32 of each output too, not only its size
 * @param isLed does a leader serve the EXP, as far as this host can tell?
 */
export function runStates(
  exp: ReadableExp,
  verify = false,
  isLed = isAnyoneLeading(exp.path),
): RunState[] {
  if ('type' in exp) return upstreamStates(exp.path)
  const exit = isLed ? undefined : readStatus(exp.path)?.exit
  const standing = readStanding(exp.path, exit === 0 || exit === 5)
  return readPlan(exp.path).map(plan => {
    const { run, digest, params } = plan
    const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
    const found = validateMarker(exp.path, run, expected, verify)
    const history = historyOf(exp.path, run)?.seconds ?? []
    const epochs = found.valid ? found.marker.epochs : history.length
    const total = history.reduce((a, b) => a + b, 0)
    const state = found.valid ? 'finished' : unfinished(exp.path, run, standing, isLed)
    return {
      ...{ run, plan, state, epochs },
      damage: state === 'damaged' && !found.valid ? found.why : '',
      early: found.valid && found.marker.reason === 'early stopping',
      epochSeconds: history.length > 0 ? total / history.length : undefined,
    }
  })
}

/** A leader on another host cannot be asked: it counts as one. */
export function isAnyoneLeading(exp: string): boolean {
  const sign = readLeaderSign(exp)
  return sign !== undefined && sign.isAlive !== false
}

/** Of a RUN without a valid marker. */
function unfinished(
  exp: string,
  run: RunId,
  standing: Standing | undefined,
  isLed: boolean,
): RunState['state'] {
  const owner = standing ? undefined : ownerOf(exp, run)
  // error.json stays while a newer attempt runs
  const isFailed = standing
    ? standing.failed.has(run)
    : owner !== undefined && (lastErrorOf(exp, run)?.attempt ?? 0) >= owner.attempt
  const isGiven = standing ? standing.given.has(run) : owner !== undefined && !isFailed
  if (isGiven && isLed) return 'running'
  if (existsSync(layout.marker(exp, run))) return 'damaged'
  if (isFailed) return 'failed'
  return isGiven || standing?.begun.has(run) ? 'interrupted' : 'not started'
}
