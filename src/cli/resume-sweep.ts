import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { optimiseLate } from '../base/v8.js'
import { requireFree } from '../engine/lock.js'
import { setAside } from '../experiment/carry.js'
import { writeExp, type Experiment } from '../experiment/exp.js'
import { mendFolders } from '../experiment/folders.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import { writePlan, type PlannedRun } from '../experiment/plan.js'
import { prepare, readInputs } from '../experiment/prepare.js'
import { variableName, type RawSettings, type SettingName } from '../sites/builtin.js'
import { checkSettings, mergeSettings } from '../sites/settings.js'
import { enterImage, hold } from './image.js'
import { finishedAlready, launch, requireMachine } from './launch.js'
import { requireNoJob } from './job.js'
import { openNamed } from './open-named.js'
import { holdSignals } from './signals.js'
import { requireJob, submit } from './submit.js'
import { loadWorkflow } from './workflows.js'

/** Go on in place, with the EXP's own copies of UPF and DFLTS. @returns the exit status */
export async function resumeSweep(
  name: string,
  flags: RawSettings,
  chain: number,
): Promise<number> {
  optimiseLate()
  const found = openNamed(name)
  const isBatch = found.site !== 'local'
  if (isBatch) await requireNoJob(found)
  requireFree(layout.engine(found.path))
  const exp = withSettings(found, flags)
  if (isBatch) requireJob(exp.site, exp.settings)
  else await requireMachine(exp.settings)
  const isElsewhere = isBatch || exp.settings.LAUNCHER !== ''
  const entered = isElsewhere ? [] : await enterImage(exp.settings)
  const inputs = readInputs(join(exp.path, exp.upf.name), join(exp.path, exp.dflts.name))
  const { workflow, url } = await loadWorkflow(exp.workflow)
  await workflow.chooseBackend(exp.settings.BACKEND, isElsewhere) // refused here rather than by every executor
  const { plan, data, notes } = await prepare(inputs, workflow, {
    dataSource: exp.settings.DATA_SOURCE,
    threads: exp.settings.THREADS,
    backend: exp.settings.BACKEND,
    timeout: exp.settings.BENCHMARK_TIMEOUT,
    strict: false,
    defaults: exp.defaults,
  })
  if (data.digest !== exp.data.digest)
    throw new HedError(
      'USAGE',
      `${exp.settings.DATA_SOURCE}: not the data that ${exp.path} began with`,
      { hint: 'Put the files back, or start a new EXP from this one with --accept-drift.' },
    )
  for (const note of [...hold(exp), ...notes, ...entered, ...mendFolders(exp.path)])
    console.log(note)
  setInvalidAside(exp, plan.runs)
  writePlan(exp.path, plan.runs)
  if (finishedAlready(exp, plan.runs)) return 0
  writeExp(exp)
  console.log(`${exp.path}: resumed, ${plural(plan.runs.length, 'RUN')}`)
  if (isBatch) return submit(exp.site, exp, chain)
  const signals = holdSignals()
  try {
    const { stageVersion } = workflow
    return await launch(exp, { url, name: exp.workflow, stageVersion }, signals)
  } finally {
    signals.release()
  }
}

/** What an EXP was made with cannot change; what only says where and how many may. */
const FIXED = ['THREADS', 'BACKEND', 'ENV'] as const satisfies readonly SettingName[]

function withSettings(exp: Experiment, flags: RawSettings): Experiment {
  for (const name of FIXED) {
    const wanted = flags[name]
    const is = String(exp.settings[name] || 'none') // an EXP of an earlier version has no ENV
    if (wanted !== undefined && !means(wanted, is))
      throw new HedError(
        'USAGE',
        `${name} is ${is} in ${exp.path} and stays so: what it computed hangs on it`,
        {
          hint: `Leave ${name} away, or start a new EXP.`,
        },
      )
    const inEnvironment = process.env[variableName(name)]
    if (inEnvironment !== undefined && !means(inEnvironment, is))
      console.log(
        `${variableName(name)}=${inEnvironment} in the environment is not used: the EXP has ${is}`,
      )
  }
  const own = Object.fromEntries(
    Object.entries(exp.settings).map(([key, value]) => [key, String(value)]),
  )
  const environment = { ...process.env }
  for (const name of FIXED) Reflect.deleteProperty(environment, variableName(name))
  const [threads, backend] = [own['THREADS'] ?? '1', own['BACKEND'] ?? 'ort']
  const fixed = { THREADS: threads, BACKEND: backend, ENV: own['ENV'] ?? '' }
  const merged = mergeSettings(exp.site, environment, { ...flags, ...fixed }, own)
  const settings = checkSettings(merged)
  const same = (name: string) => own[name] === String(settings[name as SettingName])
  const origins = Object.entries(merged.origins).map(([name, origin]) => [
    name,
    same(name) ? (exp.origins[name] ?? origin) : origin,
  ])
  return {
    ...exp,
    settings: { ...settings, BACKEND: exp.settings.BACKEND },
    origins: Object.fromEntries(origins) as Experiment['origins'],
  }
}

/** Whether a value as given, `auto` or `blas` perhaps, may stand for what the EXP has. */
function means(given: string, is: string): boolean {
  return given === is || given === 'auto' || [':', '@'].some(c => is.startsWith(`${given}${c}`))
}

/** A RUN whose marker is there but not valid: its outputs go to stale/, so that no old file is taken for new. */
function setInvalidAside(exp: Experiment, plan: readonly PlannedRun[]): void {
  for (const { run, digest, params } of plan) {
    if (!existsSync(layout.marker(exp.path, run))) continue
    const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
    const found = validateMarker(exp.path, run, expected)
    if (!found.valid) console.log(`${run}: ${found.why}; put into ${setAside(exp.path, run)}`)
  }
}
