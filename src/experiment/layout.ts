import type { RunId } from '../base/ids.js'

/** Every file name in an EXP, spelt once. `exp` is the EXP directory. A hundred thousand RUNs ask: no `join`. */

export const expFile = (exp: string) => `${exp}/exp.json`
export const restartFile = (exp: string) => `${exp}/restart.txt`
export const status = (exp: string) => `${exp}/status.json`
export const alerts = (exp: string) => `${exp}/alerts.txt`
export const jobScript = (exp: string) => `${exp}/job.sh`
export const jobId = (exp: string) => `${exp}/jobid.txt`
export const progressFile = (exp: string) => `${exp}/progress.txt`
export const epochsFile = (exp: string) => `${exp}/epochs.txt`
export const scoresFile = (exp: string) => `${exp}/scores.csv`
export const cellsFile = (exp: string) => `${exp}/cells.csv`
export const convergenceFile = (exp: string) => `${exp}/convergence.csv`
export const resultsFile = (exp: string) => `${exp}/results.parquet`
export const runsFile = (exp: string) => `${exp}/runs.parquet`
export const reportFile = (exp: string) => `${exp}/report.html`

export const engine = (exp: string) => `${exp}/.engine`
export const journal = (exp: string) => `${engine(exp)}/journal`
export const rendezvous = (exp: string) => `${engine(exp)}/rendezvous.json`
/** Why the leader shall stop in order: whoever started the ranks writes it. */
export const stopFile = (exp: string) => `${engine(exp)}/stop`
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
export const valScores = runFile(RUN_FILES.valScores)
export const testScores = runFile(RUN_FILES.testScores)
export const testPredictions = runFile(RUN_FILES.testPredictions)
export const valPredictions = runFile(RUN_FILES.valPredictions)
export const testRows = runFile(RUN_FILES.testRows)
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
  'runs.parquet',
  'report.html',
  'job.sh',
  'jobid.txt',
  '.engine',
  'out',
  'run',
  'stale',
])
