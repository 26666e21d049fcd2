import { existsSync } from 'node:fs'
import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import { readPlan, type PlannedRun } from '../experiment/plan.js'
import { epochSecondsOf, lastErrorOf, ownerOf } from './run-files.js'

/** A RUN as its files tell. */
export interface RunState {
  readonly run: RunId
  readonly plan: PlannedRun
  readonly state: 'finished' | 'failed' | 'running' | 'not started'
  /** Epochs with a line in history.txt. */
  readonly epochs: number
  readonly early: boolean
  /** Mean seconds of an epoch, where known. */
  readonly epochSeconds: number | undefined
}

/**
 * All RUNs of an EXP, in UPF order.
 * @param verify compare the crc32 of each output too, not only its size
 */
export function runStates(exp: Experiment, verify = false): RunState[] {
  return readPlan(exp.path).map(plan => {
    const { run, digest, params } = plan
    const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
    const found = validateMarker(exp.path, run, expected, verify)
    const history = epochSecondsOf(exp.path, run)
    const epochs = found.valid ? found.marker.epochs : history.length
    const total = history.reduce((a, b) => a + b, 0)
    return {
      run,
      plan,
      state: found.valid
        ? 'finished'
        : failedLast(exp.path, run)
          ? 'failed'
          : existsSync(layout.rankFile(exp.path, run))
            ? 'running'
            : 'not started',
      epochs,
      early: found.valid && found.marker.reason === 'early stopping',
      epochSeconds: history.length > 0 ? total / history.length : undefined,
    }
  })
}

/** Did the last attempt that began also fail? error.json stays while a newer attempt runs. */
function failedLast(exp: string, run: RunId): boolean {
  const error = lastErrorOf(exp, run)
  return error !== undefined && error.attempt >= (ownerOf(exp, run)?.attempt ?? 0)
}
