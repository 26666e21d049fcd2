import { HedError } from '../base/errors.js'
import { mean, meanInterval, spearman, type MeanInterval } from '../base/statistics.js'
import { csvLine } from './csv.js'
import { gapsOf } from './gaps.js'
import { recallOfTop } from './recall.js'
import { responsesByCell, type CellResponses } from './responses.js'
import { runStates, type ReadableExp } from './run-state.js'

export interface CellScore {
  readonly cell: string
  readonly drugs: number
  readonly rows: number
  /** Share of the true top drugs among the predicted ones; null where the cell has no more drugs than that. */
  readonly recall: number | null
  /** Over drugs; null where either side is constant. */
  readonly spearman: number | null
  /** Of the mean over replicates. */
  readonly mse: number
  /** Predicted minus true, mean. */
  readonly bias: number
}

export interface CellScores {
  readonly top: number
  /** Highest mse first. */
  readonly cells: readonly CellScore[]
  readonly recall: MeanInterval
  readonly spearman: MeanInterval
  readonly mse: MeanInterval
  /** RUNs that say nothing, and why. */
  readonly gaps: readonly string[]
  /** Drugs whose predictions are the mean over several RUNs. */
  readonly repeated: readonly string[]
}

/**
 * How well the sweep tells which drugs a cell responds to. Means are over cells, their intervals bootstrapped over cells.
 *
 * @param top how many drugs with the lowest AUC are the top
 * @throws HedError USAGE if no finished RUN names both cell and drug
 */
export function scoreCells(exp: ReadableExp, top: number): CellScores {
  const states = runStates(exp)
  const gaps = gapsOf(states)
  const { cells: found, repeated } = responsesByCell(exp, states, gap => gaps.push(gap))
  if (found.length === 0)
    throw new HedError('USAGE', `${exp.path}: no finished RUN holds a drug or a cell out`, {
      hint:
        gaps.length > 0 ? `No results: ${gaps[0]}` : 'See progress: how many RUNs have finished?',
    })
  const cells = found.map(cell => scoreOf(cell, top)).sort(worstFirst)
  const over = (name: 'recall' | 'spearman' | 'mse') =>
    meanInterval(
      cells.flatMap(cell => cell[name] ?? []),
      name,
    )
  return {
    top,
    cells,
    ...{ recall: over('recall'), spearman: over('spearman'), mse: over('mse') },
    gaps,
    repeated,
  }
}

function scoreOf({ cell, rows, drugs, aucTrue, aucPred }: CellResponses, top: number): CellScore {
  const errors = aucPred.map((value, i) => value - aucTrue[i]!)
  return {
    ...{ cell, rows, drugs: drugs.length },
    recall: recallOfTop(aucTrue, aucPred, top),
    spearman: spearman(aucTrue, aucPred),
    mse: mean(errors.map(e => e * e)),
    bias: mean(errors),
  }
}

function worstFirst(a: CellScore, b: CellScore): number {
  return b.mse - a.mse || (a.cell < b.cell ? -1 : 1)
}

const HEADER = ['cell', 'drugs', 'rows', 'recall', 'spearman', 'mse', 'bias'] as const

/** For cells.csv; what is undefined is empty. */
export function cellsCsv({ cells }: CellScores): string {
  const lines = cells.map(cell => csvLine(HEADER.map(name => cell[name])))
  return [HEADER.join(','), ...lines, ''].join('\n')
}

/** The worst cells, then the means. */
export function cellRows(scores: CellScores, most: number): string[][] {
  const number = (value: number | null) => value?.toFixed(4) ?? '-'
  return [
    [...HEADER],
    ...scores.cells
      .slice(0, most)
      .map(c => [
        ...[c.cell, String(c.drugs), String(c.rows)],
        ...[c.recall, c.spearman, c.mse, c.bias].map(number),
      ]),
  ]
}

export function meanLines({ top, recall, spearman: rank, mse }: CellScores): string[] {
  return [
    `recall of the true top ${top}: ${intervalText(recall)}`,
    `Spearman: ${intervalText(rank)}`,
    `mse: ${intervalText(mse)}`,
  ]
}

function intervalText({ n, mean: middle, low, high }: MeanInterval): string {
  if (middle === null) return `undefined: no cell has enough drugs`
  const interval = low === null ? '' : ` (95 %: ${low.toFixed(4)} to ${high!.toFixed(4)})`
  return `${middle.toFixed(4)}${interval} over ${n} cells`
}
