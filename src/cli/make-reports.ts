import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { convergenceCsv, convergenceOf } from '../analysis/convergence.js'
import { epochLines, epochRows } from '../analysis/epochs.js'
import { extractScores, scoreLines } from '../analysis/extract.js'
import { progressLines } from '../analysis/progress-lines.js'
import { newestResult } from '../analysis/report-age.js'
import { gather } from '../analysis/report/gather.js'
import { pageOf } from '../analysis/report/page.js'
import { resultFiles, writeResults } from '../analysis/results.js'
import { runStates, type ReadableExp } from '../analysis/run-state.js'
import { cellsCsv, scoreCells } from '../analysis/score-cells.js'
import { upstreamProgress } from '../analysis/upstream-progress.js'
import { HedError } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import { readLeaderSign, readLiveStatus } from '../experiment/live-status.js'
import { table } from './print.js'
import { look } from './watch.js'

/** What a command writes into an EXP. */
interface Report {
  /** Names in an EXP. */
  readonly files: readonly string[]
  /** Text of the one file; or it writes all of them into a folder. */
  readonly make: (
    exp: ReadableExp,
    into: string,
    onShare: (share: number) => void,
  ) => string | Promise<string | undefined>
}

const named = (...paths: ((folder: string) => string)[]) => paths.map(path => path('').slice(1))

const REPORTS: readonly Report[] = [
  {
    files: named(layout.progressFile),
    make: async exp => {
      const found = 'type' in exp ? upstreamProgress(exp) : await look(exp)
      return textOf(table(progressLines(found)))
    },
  },
  { files: named(layout.epochsFile), make: exp => textOf(epochLines(epochRows(exp, 0))) },
  { files: named(layout.scoresFile), make: exp => textOf(scoreLines(extractScores(exp, 'mse'))) },
  { files: named(layout.cellsFile), make: exp => cellsCsv(scoreCells(exp, 10)) },
  { files: named(layout.convergenceFile), make: exp => convergenceCsv(convergenceOf(exp)) },
  {
    files: named(layout.resultsFile, layout.runsFile),
    make: async (exp, into, onShare) => {
      const gap = () => undefined // the page tells of it
      await writeResults(exp, runStates(exp), resultFiles(into), false, gap, onShare)
      return undefined
    },
  },
  {
    files: named(layout.reportFile),
    make: async (exp, _into, onShare) => {
      const now = { live: await readLiveStatus(exp.path), sign: readLeaderSign(exp.path) }
      return pageOf(gather(exp, now, onShare))
    },
  },
]

function textOf(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}

/** Reports of an EXP that are not there, or are older than what they tell of. */
export function wantingReports(exp: string): readonly Report[] {
  const newest = newestResult(exp)
  const isFresh = (name: string) =>
    existsSync(join(exp, name)) && statSync(join(exp, name)).mtimeMs > newest
  return REPORTS.filter(({ files }) => !files.every(isFresh))
}

export interface MadeReports {
  readonly made: readonly string[]
  /** Reports that cannot be made, and why: `cells.csv: …` */
  readonly missing: readonly string[]
}

/**
 * Make them, as their commands do that are given nothing more.
 * @param into folder to write into @param onShare told how much is done, 0 … 1
 */
export async function makeReports(
  exp: ReadableExp,
  reports: readonly Report[],
  into: string,
  onShare: (share: number) => void,
): Promise<MadeReports> {
  const made: string[] = []
  const missing: string[] = []
  for (const [done, { files, make }] of reports.entries())
    try {
      const text = await make(exp, into, share => onShare((done + share) / reports.length))
      if (text !== undefined) writeAtomicSync(join(into, files[0]!), text)
      made.push(...files)
    } catch (error) {
      // an EXP that one report cannot be made of is worth sending all the more
      if (!(error instanceof HedError)) throw error
      missing.push(...files.map(name => `${name}: ${error.message}`))
    }
  return { made, missing }
}
