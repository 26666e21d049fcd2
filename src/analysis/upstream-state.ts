import * as fs from 'node:fs'
import { readIfThere } from '../base/files.js'
import { runId, type RunId } from '../base/ids.js'
import * as layout from '../experiment/layout.js'
import { upstreamDflts, upstreamLines } from '../experiment/upstream.js'
import type { Params } from '../experiment/workflow.js'
import { historyOf } from './run-files.js'
import type { RunState } from './run-state.js'

/**
 * RUNs of the original workflow, in the order of its UPF, else by id. It writes three marks, each at another moment, and
 * none of them always: `stop.marker` (`early stopping: 20/20`), `markers/marker-000.txt` and a number in `result.txt`.
 * One of them with scores and predictions counts.
 *
 * Its RUNs do not say which drug they held out: the id of the RUN stands for the name.
 */
export function upstreamStates(exp: string): RunState[] {
  const shared = upstreamDflts(exp).values
  const lines = upstreamLines(exp)
  const there = fs
    .readdirSync(layout.runs(exp))
    .sort()
    .flatMap(name => runId(name) ?? [])
  const known = new Set(lines.map(line => line.run))
  const rest = there.filter(run => !known.has(run)).map(run => ({ run, line: 0, values: {} }))
  return [...lines, ...rest].map(({ run, line, values }) => {
    const params = { ...shared, ...values }
    const index = indexOf(run, values)
    const resolved = { ...(index === null ? {} : { index }), drug: run }
    const history = historyOf(exp, run)
    const seconds = history?.seconds ?? []
    const epochs = Math.max(lastCheckpoint(exp, run), history?.val_loss.length ?? 0)
    const state = stateOf(exp, run, index)
    return {
      run,
      plan: {
        ...{ run, line, params, origins: {}, resolved, digest: '' },
        ...{ retries: 0, timeout: -1, memory: -1 },
      },
      ...{ state, damage: '', epochs },
      early: state === 'finished' && stoppedEarly(exp, run, epochs),
      epochSeconds:
        seconds.length > 0 ? seconds.reduce((a, b) => a + b, 0) / seconds.length : undefined,
    }
  })
}

function indexOf(run: RunId, values: Params): number | null {
  const { index } = values
  if (typeof index === 'number') return index
  const digits = /(\d+)$/.exec(run)?.[1]
  return digits === undefined ? null : Number(digits)
}

function stateOf(exp: string, run: RunId, index: number | null): RunState['state'] {
  const directory = layout.run(exp, run)
  if (!fs.existsSync(directory)) return 'not started'
  const result = readIfThere(layout.result(exp, run)) ?? ''
  const number = String(index ?? '').padStart(3, '0')
  const isMarked =
    OLD_MARKER.test(readIfThere(layout.marker(exp, run)) ?? '') ||
    fs.existsSync(`${exp}/markers/marker-${number}.txt`) ||
    (result.trim() !== '' && Number.isFinite(Number(result)))
  const files = [layout.testScores(exp, run), layout.testPredictions(exp, run)]
  if (isMarked && files.every(file => fs.existsSync(file))) return 'finished'
  return result.includes('EXCEPTION') ? 'failed' : 'interrupted'
}

const OLD_MARKER = /^early stopping: (\d+)\/(\d+)\n?$/

/** Its marker counts the epochs of the last process alone: a RUN that reached them all did not stop early. */
function stoppedEarly(exp: string, run: RunId, epochs: number): boolean {
  const [, count, wanted] = OLD_MARKER.exec(readIfThere(layout.marker(exp, run)) ?? '') ?? []
  return count !== undefined && Math.max(epochs, Number(count)) < Number(wanted)
}

/** Highest epoch that left a checkpoint; 0 for none. */
function lastCheckpoint(exp: string, run: RunId): number {
  return checkpoints(exp, run).map(Number).at(-1) ?? 0
}

/** Folders of epochs, ascending. */
function checkpoints(exp: string, run: RunId): string[] {
  try {
    const names = fs.readdirSync(`${layout.ckpts(exp, run)}/epochs`)
    return names.filter(name => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b))
  } catch {
    return []
  }
}

/**
 * `best_metric_last` of each checkpoint, ascending: all there is of a RUN of the original workflow that has not ended. It is the best
 * so far, not the val_loss of the epoch, so that it never rises.
 */
export function bestLosses(exp: string, run: RunId): number[] {
  return checkpoints(exp, run).flatMap(name => {
    const text = readIfThere(`${layout.ckpts(exp, run)}/epochs/${name}/ckpt-info.json`) ?? ''
    const found = /"best_metric_last": *([-+.\deE]+)/.exec(text)?.[1]
    return found === undefined ? [] : [Number(found)]
  })
}
