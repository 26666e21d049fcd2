// An EXP of `count` RUNs that do nothing, without going through the command line.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createExp } from '../../../dist/src/experiment/exp.js'
import { writePlan } from '../../../dist/src/experiment/plan.js'
import { prepare, readInputs } from '../../../dist/src/experiment/prepare.js'
import { checkSettings, mergeSettings } from '../../../dist/src/sites/settings.js'
import { workflow } from './noop-workflow.mjs'

export const NOOP = new URL('./noop-workflow.mjs', import.meta.url)
export const RANK = fileURLToPath(new URL('../../../dist/src/cli/bin.js', import.meta.url))

/** @param count RUNs @param procs ranks, the leader included */
export async function makeExp(count, procs, flags = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'upf-heds-bench-'))
  const upf = join(folder, 'upf.txt')
  const dflts = join(folder, 'dflts.json')
  mkdirSync(join(folder, 'data'))
  const id = i => `RUN${String(i).padStart(6, '0')}`
  writeFileSync(upf, Array.from({ length: count }, (_, i) => `{"id": "${id(i)}"}\n`).join(''))
  writeFileSync(dflts, JSON.stringify({ workflow: fileURLToPath(NOOP) }))
  const merged = mergeSettings(
    'local',
    {},
    {
      PROCS: String(procs),
      THREADS: '1',
      DATA_SOURCE: join(folder, 'data'),
      CANDLE_DATA_DIR: join(folder, 'out'),
      TMP_ROOT: join(folder, 'tmp'),
      ...flags,
    },
  )
  const settings = { ...checkSettings(merged), BACKEND: 'none' }
  const inputs = readInputs(upf, dflts)
  const { plan, data } = await prepare(inputs, workflow, {
    dataSource: settings.DATA_SOURCE,
    threads: 1,
    backend: 'none',
    timeout: -1,
    strict: false,
    defaults: workflow.defaults,
  })
  const ground = { data, settings, workflow: inputs.workflow }
  mkdirSync(settings.CANDLE_DATA_DIR, { recursive: true })
  const exp = await createExp(
    {
      ...ground,
      site: 'local',
      version: '0',
      origins: merged.origins,
      backendWhy: '',
      defaults: workflow.defaults,
    },
    inputs,
    made => writePlan(made.path, plan.runs),
  )
  return { folder, exp, plan: plan.runs }
}
