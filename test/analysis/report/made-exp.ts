import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { openExp, type Experiment } from '../../../src/experiment/exp.js'
import * as layout from '../../../src/experiment/layout.js'
import type { RunId } from '../../../src/base/ids.js'
import { readPlan, writePlan, type PlannedRun } from '../../../src/experiment/plan.js'

/** An EXP as a long sweep leaves it, written in a second: 12 drugs, 40 cells, 4 ranks, 2 RUNs that failed. */
export function madeExp(folder: string): Experiment {
  const size = '--drugs 12 --cells 40 --rows 60 --val 20 --epochs 8 --ranks 4 --failures 2'
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/make-exp.mjs', join(folder, 'made'), ...size.split(' ')],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return openExp(join(folder, 'made/out/EXP001'), '.')
}

/** Rename what RUNs hold out: their markers vouch for files and digests, which stay. */
export function holdOut(
  exp: Experiment,
  rename: (plan: PlannedRun, i: number) => PlannedRun,
): void {
  writePlan(exp.path, readPlan(exp.path).map(rename))
}

export interface Row {
  readonly run: string
  readonly aucTrue: number
  readonly aucPred: number
  readonly label: string
}

/** Test predictions read in the plainest way. */
export function rowsOf(exp: Experiment, run: string): Row[] {
  return fs
    .readFileSync(layout.testPredictions(exp.path, run as RunId), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => {
      const [aucTrue, aucPred, label] = line.split(',')
      return { run, aucTrue: Number(aucTrue), aucPred: Number(aucPred), label: label! }
    })
}
