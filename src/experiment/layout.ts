import type { RunId } from '../base/ids.js'

/** Every file name in an EXP, spelt once. `exp` is the EXP directory. A hundred thousand RUNs ask: no `join`. */

export const expFile = (exp: string) => `${exp}/exp.json`
export const restartFile = (exp: string) => `${exp}/restart.txt`
export const status = (exp: string) => `${exp}/status.json`
export const alerts = (exp: string) => `${exp}/alerts.txt`
export const jobId = (exp: string) => `${exp}/jobid.txt`
export const progressFile = (exp: string) => `${exp}/progress.txt`
export const epochsFile = (exp: string) => `${exp}/epochs.txt`
export const scoresFile = (exp: string) => `${exp}/scores.csv`

export const engine = (exp: string) => `${exp}/.engine`
export const journal = (exp: string) => `${engine(exp)}/journal`
export const rendezvous = (exp: string) => `${engine(exp)}/rendezvous.json`
/** One empty file a leader, named by its number: see engine/lock.ts. */
export const epochs = (exp: string) => `${engine(exp)}/epochs`
/** Who leads: see engine/lock.ts. */
export const lockHolder = (exp: string) => `${engine(exp)}/lock/holder.json`
export const planFile = (exp: string) => `${engine(exp)}/plan.jsonl`

export const outDirectory = (exp: string) => `${exp}/out`
export const out = (exp: string, rank: number) =>
  `${outDirectory(exp)}/out-${String(rank).padStart(3, '0')}.txt`

export const stale = (exp: string) => `${exp}/stale`
export const runs = (exp: string) => `${exp}/run`
export const run = (exp: string, id: RunId) => `${runs(exp)}/${id}`

/** Names in a RUN directory. */
export const RUN_FILES = {
  parameters: 'parameters.txt',
  rank: 'rank.txt',
  history: 'history.txt',
  ckpts: 'ckpts',
  testRows: 'rsp_test_data.parquet',
  valScores: 'val_scores.json',
  testScores: 'test_scores.json',
  valPredictions: 'val_y_data_predicted.csv',
  testPredictions: 'test_y_data_predicted.csv',
  result: 'result.txt',
  marker: 'stop.marker',
  error: 'error.json',
  performance: 'perf.csv',
} as const

const runFile = (name: string) => (exp: string, id: RunId) => `${run(exp, id)}/${name}`
export const parameters = runFile(RUN_FILES.parameters)
export const rankFile = runFile(RUN_FILES.rank)
export const history = runFile(RUN_FILES.history)
export const ckpts = runFile(RUN_FILES.ckpts)
export const testScores = runFile(RUN_FILES.testScores)
export const testPredictions = runFile(RUN_FILES.testPredictions)
export const marker = runFile(RUN_FILES.marker)
export const error = runFile(RUN_FILES.error)
export const result = runFile(RUN_FILES.result)
export const performance = runFile(RUN_FILES.performance)

/** Names at the top of an EXP that no UPF or DFLTS may have. */
export const RESERVED: ReadonlySet<string> = new Set([
  'exp.json',
  'restart.txt',
  'status.json',
  'alerts.txt',
  'progress.txt',
  'epochs.txt',
  'scores.csv',
  'cells.csv',
  'convergence.csv',
  'results.parquet',
  'report.html',
  'job.sh',
  'jobid.txt',
  '.engine',
  'out',
  'run',
  'stale',
])
