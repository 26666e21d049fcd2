import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { secondsOf } from '../base/walltime.js'
import { HedError } from '../base/errors.js'
import { readNamed, writeAtomicSync } from '../base/files.js'
import { plural } from '../base/plural.js'
import type { Experiment, Settings } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { BATCH } from '../sites/batch.js'
import { flagName } from '../sites/builtin.js'
import { jobScript } from '../sites/job-script.js'
import { shapeOf } from '../sites/launchers.js'
import { parseQueues, requireQueue } from '../sites/queues.js'
import { submitJob } from '../sites/scheduler.js'
import { OURS } from './launch-hosts.js'

const BIN = fileURLToPath(new URL('./bin.js', import.meta.url))
/** Stands for the EXP in a script that is only shown. */
const PLACEHOLDER = 'EXP000'

/**
 * What a batch site must be told, and would take: asked before an EXP is made.
 * @param site the known one, perhaps below a site file
 * @throws HedError USAGE naming what is missing, or the queues that fit
 */
export function requireJob(site: string, settings: Settings): void {
  for (const name of BATCH[site]?.required ?? [])
    if (settings[name] === '')
      throw new HedError('USAGE', `${name} is not set: ${site} starts no job without`, {
        hint: `Set ${name} in the environment, or give --${flagName(name)}.`,
      })
  if (settings.PROLOGUE !== '') readNamed(settings.PROLOGUE, 'PROLOGUE')
  const seconds = secondsOf(settings.WALLTIME)
  const { nodes } = shapeOf(settings)
  if (seconds !== undefined)
    requireQueue(site, parseQueues(settings.QUEUES) ?? [], { name: settings.QUEUE, nodes, seconds })
  showScript(site, settings) // what cannot stand in a script is refused now
}

/** The job script as it would be, for an EXP that is not made. */
export function showScript(site: string, settings: Settings): string {
  return scriptOf(site, settings, join(settings.CANDLE_DATA_DIR, PLACEHOLDER))
}

/**
 * Write job.sh, submit it, note its id.
 * @param chain jobs in all: each begins where the one before has left something to do
 * @returns the exit status: 0 submitted
 */
export async function submit(site: string, exp: Experiment, chain: number): Promise<number> {
  const script = layout.jobScript(exp.path)
  writeFileSync(script, scriptOf(site, exp.settings, exp.path))
  chmodSync(script, 0o755)
  rmSync(layout.status(exp.path), { force: true }) // how an earlier life ended
  const ids: string[] = []
  try {
    while (ids.length < chain) {
      ids.push(await submitJob(BATCH[site]!, script, ids.at(-1)))
      writeAtomicSync(layout.jobId(exp.path), ids.map(id => `${id}\n`).join(''))
    }
  } catch (error) {
    if (!(error instanceof HedError)) throw error
    const hint =
      ids.length === 0
        ? `The EXP is made; upf-heds resume ${exp.path} submits it again. ${error.hint ?? ''}`.trim()
        : `${plural(ids.length, 'job')} of the chain submitted: ${ids.join(', ')}.`
    throw new HedError(error.kind, error.message, { hint })
  }
  const jobs = ids.length === 1 ? `job ${ids[0]}` : `a chain of jobs ${ids.join(', ')}`
  const time = exp.settings.WALLTIME || 'as long as the queue gives'
  console.log(`${jobs} submitted: ${plural(shapeOf(exp.settings).nodes, 'node')} for ${time}`)
  console.log(`upf-heds progress ${exp.path} tells how it goes, upf-heds wait ${exp.path} waits`)
  return 0
}

function scriptOf(site: string, settings: Settings, exp: string): string {
  const name = basename(exp)
  const environment = Object.fromEntries(
    OURS.flatMap(key => (process.env[key] ? [[key, process.env[key]]] : [])),
  )
  const place = { exp, name, folder: process.cwd(), environment }
  return jobScript({ site, settings, ...place, node: process.execPath, bin: BIN })
}
