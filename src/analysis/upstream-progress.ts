import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import { upstreamDflts, type UpstreamExp } from '../experiment/upstream.js'
import { jobOf, logsOf, type Progress } from './progress.js'
import { runStates } from './run-state.js'

/** How far an EXP of the original workflow is, by its files: nobody can be asked. */
export function upstreamProgress(exp: UpstreamExp): Progress {
  const { path } = exp
  const states = runStates(exp)
  const count = (state: (typeof states)[number]['state']) =>
    states.filter(s => s.state === state).length
  const { name, values } = upstreamDflts(path)
  const log = turbineLog(path)
  const exit = log('EXIT CODE')
  const seconds = Number(log('MPIEXEC TIME') ?? NaN)
  const epochs = states.map(s => Number(s.plan.params['epochs'] ?? values['epochs'] ?? 0))
  return {
    ...{ dir: path, job: jobOf(path) ?? null, json: join(path, name) },
    ...{ procs: Number(log('PROCS') ?? 0), ppn: Number(log('PPN') ?? 0) },
    epochs: epochs.reduce((a, b) => Math.max(a, b), 0),
    outs: existsSync(layout.outDirectory(path)) ? logsOf(path) : 0,
    runs: states.length,
    news: states.length - count('not started'),
    ...{ done: count('finished'), failed: count('failed'), running: 0, damaged: 0 },
    ...{ interrupted: count('interrupted'), notStarted: count('not started') },
    ended:
      exit === undefined
        ? null
        : {
            reason: exit === '0' ? 'the job ended' : 'the job was ended',
            exit: Number(exit),
            time: log('COMPLETED') ?? '',
          },
    ...{ led: null, alerts: 0, eta: null, source: 'files' },
    time: Number.isNaN(seconds) ? null : seconds,
  }
}

/** Values of turbine.log: `PROCS: 24`. */
function turbineLog(exp: string): (label: string) => string | undefined {
  const text = readIfThere(join(exp, 'turbine.log')) ?? ''
  return label => new RegExp(`^${label}: *(.*?) *$`, 'm').exec(text)?.[1]
}
