import { plural } from '../base/plural.js'
import { checkNames } from '../experiment/exp.js'
import { prepare, readInputs, refusing } from '../experiment/prepare.js'
import type { RawSettings } from '../sites/builtin.js'
import { checkSettings, mergeSettings } from '../sites/settings.js'
import { imageOf } from './image.js'
import { requireMachine } from './launch.js'
import { print, printJson } from './print.js'
import { loadWorkflow } from './workflows.js'

/** All that `run` checks before it makes an EXP. @throws HedError as `run` would */
export async function checkSweep(args: {
  readonly upf: string
  readonly dflts: string
  readonly strict: boolean
  readonly json: boolean
  readonly flags: RawSettings
}): Promise<void> {
  const settings = checkSettings(mergeSettings('local', process.env, args.flags))
  await requireMachine(settings)
  imageOf(settings)
  const inputs = readInputs(args.upf, args.dflts)
  checkNames(args.upf, args.dflts)
  const { workflow } = await loadWorkflow(inputs.workflow).catch(refusing(inputs))
  const backend = await workflow.chooseBackend(settings.BACKEND).catch(refusing(inputs))
  const { plan, data, notes } = await prepare(inputs, workflow, {
    dataSource: settings.DATA_SOURCE,
    threads: settings.THREADS,
    backend: backend.name,
    timeout: settings.BENCHMARK_TIMEOUT,
    strict: args.strict,
    defaults: workflow.defaults,
  })
  if (args.json) {
    const runs = plan.runs.map(({ run, line, resolved }) => ({ run, line, resolved }))
    printJson({ ok: true, notes, backend, data: data.digest, runs })
    return
  }
  print([...notes, `backend ${backend.why}`])
  print(plan.runs.slice(0, 5).map(r => `${r.run}: ${JSON.stringify(r.resolved)}`))
  if (plan.runs.length > 5) print([`… ${plan.runs.length - 5} more`])
  print([`ok: ${plural(plan.runs.length, 'RUN')}`])
}
