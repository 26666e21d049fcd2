import * as fs from 'node:fs'
import { join } from 'node:path'
import { runId, type RunId } from '../../src/base/ids.js'
import { createExp, type Experiment, type Settings } from '../../src/experiment/exp.js'
import * as layout from '../../src/experiment/layout.js'
import { writeMarker } from '../../src/experiment/marker.js'
import { writePlan } from '../../src/experiment/plan.js'
import type { Params } from '../../src/experiment/workflow.js'
import { writeHistory, NO_HISTORY } from '../../src/train/history.js'
import { scores } from '../../src/train/scores.js'
import { writePredictions } from '../../workflows/hed/predictions.js'

/** What commands write into an EXP. */
export const REPORTS = [
  ...['progress.txt', 'epochs.txt', 'scores.csv', 'cells.csv', 'convergence.csv'],
  ...['results.parquet', 'runs.parquet', 'report.html'],
]

/** Label, true and predicted AUC. */
export type Row = readonly [label: string, aucTrue: number, aucPred: number]

export interface SmallRun {
  readonly id: string
  /** `{ index, drug }`, `{ index, cell }` or nothing. */
  readonly resolved: Params
  readonly params?: Params
  readonly test: readonly Row[]
  readonly val?: readonly Row[]
  readonly valLoss?: readonly number[]
  readonly reason?: 'completed' | 'early stopping'
  /** It has files, and no marker. */
  readonly unfinished?: boolean
}

/** An EXP below `folder` whose RUNs said what is given, without training: files and markers by the writers of a sweep. */
export async function makeSmallExp(folder: string, runs: readonly SmallRun[]): Promise<Experiment> {
  const digest = 'd'.repeat(64)
  const machine = { PROCS: 2, PPN: 2, THREADS: 1, BACKEND: 'ort' }
  const settings = { CANDLE_DATA_DIR: folder, ...machine, DATA_SOURCE: '-' }
  const plan = runs.map(({ id, resolved, params = {} }, line) => ({
    run: runId(id)!,
    ...{ line: line + 1, params: { seed: 0, ...params }, origins: {}, resolved },
    ...{ retries: 1, timeout: -1, memory: -1, digest },
  }))
  const exp = await createExp(
    {
      ...{ site: 'local', workflow: 'hed', version: '0', origins: {}, backendWhy: '' },
      settings: settings as unknown as Settings,
      defaults: {},
      data: { digest, files: [] },
    },
    { upf: { path: 'upf.txt', text: '' }, dflts: { path: 'dflts.json', text: '{}' } },
    made => writePlan(made.path, plan),
  )
  for (const run of runs) await writeRun(exp.path, runId(run.id)!, run, digest)
  return exp
}

async function writeRun(
  exp: string,
  run: RunId,
  { test, val = [], valLoss = [0.5], reason = 'completed', unfinished, params = {} }: SmallRun,
  digest: string,
): Promise<void> {
  fs.mkdirSync(layout.run(exp, run))
  fs.writeFileSync(layout.rankFile(exp, run), 'attempt = 1\nrank = 1\nhost = here\n')
  const seconds = valLoss.map(() => 2)
  const history = { ...NO_HISTORY, loss: valLoss, val_loss: valLoss, seconds }
  await writeHistory(layout.history(exp, run), history)
  if (unfinished) return
  for (const [which, rows] of Object.entries({ test, val })) {
    const [labels, yTrue, yPred] = [0, 1, 2].map(column => rows.map(row => row[column]!))
    const [y, p] = [Float64Array.from(yTrue as number[]), Float32Array.from(yPred as number[])]
    const file = (name: string) => join(layout.run(exp, run), `${which}_${name}`)
    fs.writeFileSync(file('scores.json'), JSON.stringify({ ...scores(y, p), n: y.length }))
    await writePredictions(file('y_data_predicted.csv'), y, p, labels as string[])
  }
  const outputs = ['test_scores.json', 'test_y_data_predicted.csv', 'val_scores.json']
  const epochs = valLoss.length
  const expected = { params: digest, data: digest, seed: params['seed'] ?? 0 }
  await writeMarker(exp, run, { attempt: 1, epochs, reason, ...expected, outputs })
}
