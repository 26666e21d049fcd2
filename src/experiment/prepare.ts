import { basename, resolve } from 'node:path'
import { readNamed } from '../base/files.js'
import { HedError } from '../base/errors.js'
import { dataDigest, type DataDigest } from './digest.js'
import { parseDflts } from './dflts.js'
import type { InputFile } from './exp.js'
import { inOrder, newFaults } from './faults.js'
import { problemText, type Problem } from './json-lines.js'
import { makePlan, type Plan } from './plan.js'
import { parseUpf, type UpfLine } from './upf.js'
import type { Params, Workflow } from './workflow.js'

/** UPF and DFLTS as read, before the data is looked at. */
export interface Inputs {
  readonly upf: InputFile & { readonly lines: readonly UpfLine[] }
  readonly dflts: InputFile & { readonly values: Params }
  /** Name or path of the workflow all lines share. */
  readonly workflow: string
}

/** @throws HedError USAGE with everything that is wrong in either file */
export function readInputs(upfPath: string, dfltsPath: string): Inputs {
  const upf = { path: upfPath, text: readNamed(upfPath, 'UPF') }
  const dflts = { path: dfltsPath, text: readNamed(dfltsPath, 'DFLTS') }
  const lines = parseUpf(upf.text, upfPath)
  const values = parseDflts(dflts.text, dfltsPath)
  refuse([...lines.problems, ...values.problems])
  const faults = newFaults(upfPath, { file: dfltsPath, values: values.values })
  const workflow = commonWorkflow(values.values, lines.lines, faults.add)
  refuse(inOrder(faults.problems, upfPath))
  return {
    upf: { ...upf, lines: lines.lines },
    dflts: { ...dflts, values: values.values },
    workflow,
  }
}

const DEFAULT_WORKFLOW = 'hed'

/** The workflow all RUNs share: executors load one, once. A path becomes absolute. */
function commonWorkflow(
  dflts: Params,
  lines: readonly UpfLine[],
  wrong: (line: UpfLine, text: string) => void,
): string {
  let first: string | undefined
  for (const line of lines) {
    const name = line.values['workflow'] ?? dflts['workflow'] ?? DEFAULT_WORKFLOW
    if (typeof name !== 'string')
      wrong(line, `"workflow" is ${JSON.stringify(name)}, want a name or a path`)
    else if (name !== (first ??= name))
      wrong(
        line,
        `has the "workflow" ${JSON.stringify(name)}, but ${JSON.stringify(first)} above: one an EXP`,
      )
  }
  const name = first ?? DEFAULT_WORKFLOW
  return name.startsWith('.') ? resolve(name) : name
}

export interface Prepared {
  readonly plan: Plan
  readonly data: DataDigest
  /** Lines for people, about the data and the files. */
  readonly notes: readonly string[]
}

/**
 * Everything a run needs, checked: data, hyperparameters, drugs. Changes nothing.
 * @throws HedError USAGE or DATA
 */
export async function prepare(
  inputs: Inputs,
  workflow: Workflow,
  options: {
    readonly dataSource: string
    readonly threads: number
    readonly backend: string
    readonly timeout: number
    readonly strict: boolean
    readonly defaults: Params
  },
): Promise<Prepared> {
  const data = await dataDigest(options.dataSource, workflow.files)
  const check = await workflow.inspect(options.dataSource, options.backend)
  await workflow.preload?.([inputs.dflts.values, ...inputs.upf.lines.map(line => line.values)])
  const plan = makePlan({
    upf: { file: inputs.upf.path, lines: inputs.upf.lines },
    dflts: { file: inputs.dflts.path, values: inputs.dflts.values },
    workflow,
    data: check,
    ...options,
  })
  refuse(plan.problems)
  const notes = [
    ...check.notes,
    ...plan.notes.map(n => `${basename(inputs.dflts.path)}: ${n}`),
    ...plan.warnings.map(w => `warning: ${w}`),
  ]
  return { plan, data, notes }
}

/** As many as a person reads; the rest is counted. */
const SHOWN = 20

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const shown = problems.slice(0, SHOWN).map(problemText)
  if (problems.length > SHOWN) shown.push(`… and ${problems.length - SHOWN} more`)
  const which = problems.every(({ line }) => line === 0)
    ? 'this file'
    : problems.length === 1
      ? 'this line'
      : 'these lines'
  throw new HedError('USAGE', shown.join('\n'), { hint: `Mend ${which}.` })
}
