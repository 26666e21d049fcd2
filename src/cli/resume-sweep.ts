import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { optimiseLate } from '../base/tier-up.js'
import { requireFree } from '../engine/lock.js'
import { setAside } from '../experiment/carry.js'
import { writeExp, type Experiment } from '../experiment/exp.js'
import { mendFolders } from '../experiment/folders.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import { writePlan, type PlannedRun } from '../experiment/plan.js'
import { prepare, readInputs } from '../experiment/prepare.js'
import { SITES, type RawSettings, type SettingName } from '../sites/builtin.js'
import { checkSettings, mergeSettings } from '../sites/settings.js'
import { finishedAlready, launch, requireMachine } from './launch.js'
import { openNamed } from './open-named.js'
import { noBatchYet } from './run-sweep.js'
import { holdSignals } from './signals.js'
import { loadWorkflow } from './workflows.js'

/** Go on in place, with the EXP's own copies of UPF and DFLTS. @returns the exit status */
export async function resumeSweep(name: string, flags: RawSettings): Promise<number> {
  optimiseLate()
  const found = openNamed(name)
  requireFree(layout.engine(found.path))
  const exp = withSettings(found, flags)
  await requireMachine(exp.settings)
  const inputs = readInputs(join(exp.path, exp.upf.name), join(exp.path, exp.dflts.name))
  const { workflow, url } = await loadWorkflow(exp.workflow)
  await workflow.chooseBackend(exp.settings.BACKEND) // refused here rather than by every executor
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
  for (const note of [...notes, ...mendFolders(exp.path)]) console.log(note)
  setInvalidAside(exp, plan.runs)
  writePlan(exp.path, plan.runs)
  if (finishedAlready(exp, plan.runs)) return 0
  writeExp(exp)
  console.log(`${exp.path}: resumed, ${plural(plan.runs.length, 'RUN')}`)
  const signals = holdSignals()
  try {
    const { stageVersion } = workflow
    return await launch(exp, { url, name: exp.workflow, stageVersion }, signals)
  } finally {
    signals.release()
  }
}

/** What an EXP was made with cannot change; what only says where and how many may. */
const FIXED: readonly SettingName[] = ['THREADS', 'BACKEND']

function withSettings(exp: Experiment, flags: RawSettings): Experiment {
  for (const name of FIXED) {
    const wanted = flags[name]
    const is = String(exp.settings[name as 'THREADS' | 'BACKEND'])
    if (wanted !== undefined && !means(wanted, is))
      throw new HedError('USAGE', `${name} is ${is} in ${exp.path} and decides its results`, {
        hint: `Leave ${name} away, or start a new EXP.`,
      })
    const inEnvironment = process.env[name]
    if (inEnvironment !== undefined && !means(inEnvironment, is))
      console.log(`${name}=${inEnvironment} in the environment is not used: the EXP has ${is}`)
  }
  const own = Object.fromEntries(
    Object.entries(exp.settings).map(([key, value]) => [key, String(value)]),
  )
  const environment = { ...process.env }
  for (const name of FIXED) Reflect.deleteProperty(environment, name)
  const site = Object.hasOwn(SITES, exp.site) ? exp.site : 'local'
  const fixed = { THREADS: own['THREADS'] ?? '1', BACKEND: own['BACKEND'] ?? 'ort' }
  const merged = mergeSettings(site, environment, { ...flags, ...fixed }, own)
  if (merged.base !== 'local') throw noBatchYet(merged.base)
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
  return given === is || given === 'auto' || is.startsWith(`${given}:`)
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
