import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { optimiseLate } from '../base/v8.js'
import { carryOver } from '../experiment/carry.js'
import { checkOutput, createExp, openExp, type Experiment } from '../experiment/exp.js'
import { writePlan } from '../experiment/plan.js'
import { prepare, readInputs, refusing } from '../experiment/prepare.js'
import { planRestart, type Restart } from '../experiment/restart.js'
import type { RawSettings } from '../sites/builtin.js'
import { checkSettings, mergeSettings } from '../sites/settings.js'
import { showCalls } from './launch-hosts.js'
import { enterImage, hold, pinned } from './image.js'
import { finishedAlready, launch, requireMachine } from './launch.js'
import { holdSignals } from './signals.js'
import { requireJob, showScript, submit } from './submit.js'
import { loadWorkflow } from './workflows.js'

export interface SweepArgs {
  readonly site: string
  readonly upf: string
  readonly dflts: string
  /** An earlier EXP whose finished RUNs are carried over. */
  readonly exp: string | undefined
  readonly acceptDrift: boolean
  readonly strict: boolean
  /** On a batch site: print the job script and make nothing. */
  readonly dryRun: boolean
  /** Jobs of a batch site in a row. */
  readonly chain: number
  readonly flags: RawSettings
}

/** Check everything, make the EXP, run it. @returns the exit status */
export async function runSweep(args: SweepArgs): Promise<number> {
  optimiseLate()
  const merged = mergeSettings(args.site, process.env, args.flags)
  const checked = checkSettings(merged)
  const old = args.exp === undefined ? undefined : openExp(args.exp, checked.CANDLE_DATA_DIR)
  const settings = pinned(checked, merged.origins.ENV !== 'built-in', old?.settings)
  const isBatch = merged.base !== 'local'
  if (isBatch) requireJob(merged.base, settings)
  else if (args.dryRun && settings.LAUNCHER === '')
    throw new HedError('USAGE', '--dry-run: site local has no job script', {
      hint: 'upf-heds check UPF DFLTS tells whether all is right, and changes nothing.',
    })
  else if (args.chain > 1)
    throw new HedError('USAGE', '--chain: site local has no jobs', { hint: 'Leave it away.' })
  else await requireMachine(settings)
  const inputs = readInputs(args.upf, args.dflts)
  const { workflow, url } = await loadWorkflow(inputs.workflow).catch(refusing(inputs))
  const isElsewhere = isBatch || settings.LAUNCHER !== '' // there the ranks unpack it
  const entered = isElsewhere ? [] : await enterImage(settings).catch(refusing(inputs))
  // what is carried over was made with the backend of the old EXP
  const wanted = settings.BACKEND === 'auto' && old ? old.settings.BACKEND : settings.BACKEND
  const backend = await workflow.chooseBackend(wanted, isElsewhere).catch(refusing(inputs))
  const defaults = old?.defaults ?? workflow.defaults
  const { plan, data, notes } = await prepare(inputs, workflow, {
    dataSource: settings.DATA_SOURCE,
    threads: settings.THREADS,
    backend: backend.name,
    timeout: settings.BENCHMARK_TIMEOUT,
    strict: args.strict,
    defaults,
  })
  const ground = {
    data,
    settings: { ...settings, BACKEND: backend.name },
    workflow: inputs.workflow,
  }
  const restart = old && planRestart(old, ground, plan.runs, args.acceptDrift)
  if (args.dryRun) {
    process.stdout.write(isBatch ? showScript(merged.base, settings) : showCalls(settings))
    return 0
  }
  checkOutput(settings.CANDLE_DATA_DIR)
  for (const note of [...notes, ...entered]) console.log(note)
  if (backend.name !== wanted) console.log(`backend ${backend.why}`)
  const fill = (made: Experiment) => {
    for (const note of hold(made)) console.log(note)
    writePlan(made.path, plan.runs)
    if (restart) carryOver(made.path, restart)
  }
  const signals = holdSignals()
  try {
    const exp = await createExp(
      {
        ...ground,
        site: merged.base,
        version: VERSION,
        origins: merged.origins,
        backendWhy: backend.why,
        defaults,
      },
      inputs,
      fill,
    )
    const signal = await signals.came()
    if (signal) {
      rmSync(exp.path, { recursive: true })
      signals.release()
      process.kill(process.pid, signal)
    }
    if (restart) {
      console.log(restartText(restart))
      if (finishedAlready(exp, plan.runs)) return 0
    }
    console.log(
      `${exp.path}: ${plural(plan.runs.length, 'RUN')} on ${plural(settings.PROCS - 1, 'worker')} of ${plural(settings.THREADS, 'thread')}, backend ${backend.name}`,
    )
    if (isBatch) return await submit(merged.base, exp, args.chain)
    const { stageVersion } = workflow
    return await launch(exp, { url, name: inputs.workflow, stageVersion }, signals)
  } finally {
    signals.release()
  }
}

function restartText(restart: Restart): string {
  const { from, finished, unfinished, extended, added, drifted, dropped } = restart
  return (
    `restarted from ${from}: ${plural(finished.length, 'RUN')} finished already, ` +
    `${unfinished.length + extended.length} to go on, ` +
    `${added.length + drifted.length} to begin, ${dropped.length} dropped`
  )
}

const VERSION = (
  createRequire(import.meta.url)('../../../package.json') as { readonly version: string }
).version
