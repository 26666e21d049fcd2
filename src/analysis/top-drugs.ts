import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { parseCsvLine } from './csv.js'
import { runStates } from './run-state.js'

export interface TopDrug {
  readonly run: string
  readonly drug: string
  readonly aucTrue: number
  readonly aucPred: number
  readonly cell: string
}

/**
 * The drugs that a cell responds to most (lowest AUC first), by true or predicted response.
 * The cell is matched exactly; replicates of one drug are averaged.
 *
 * @throws HedError USAGE if no finished RUN has the cell
 */
export function topDrugs(
  exp: Experiment,
  type: 'true' | 'pred',
  cell: string,
  count: number,
): TopDrug[] {
  const found: TopDrug[] = []
  for (const { run, plan, state } of runStates(exp)) {
    if (state !== 'finished') continue
    const text = readIfThere(layout.testPredictions(exp.path, run))
    if (text === undefined) continue
    const rows = text
      .split('\n')
      .slice(1)
      .map(parseCsvLine)
      .filter(fields => fields[2] === cell)
    if (rows.length === 0) continue
    const mean = (column: number) =>
      rows.reduce((sum, fields) => sum + Number(fields[column]), 0) / rows.length
    const named = plan.resolved['drug']
    const drug = typeof named === 'string' ? named : ''
    found.push({ run, drug, aucTrue: mean(0), aucPred: mean(1), cell })
  }
  if (found.length === 0)
    throw new HedError('USAGE', `${exp.path}: no finished RUN has the cell "${cell}"`, {
      hint: 'Cells are the labels in run/*/test_y_data_predicted.csv.',
    })
  const value = type === 'true' ? (d: TopDrug) => d.aucTrue : (d: TopDrug) => d.aucPred
  return found.sort((a, b) => value(a) - value(b) || (a.run < b.run ? -1 : 1)).slice(0, count)
}
