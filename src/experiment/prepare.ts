import { basename, resolve } from 'node:path'
import { readNamed } from '../base/files.js'
import { HedError } from '../base/errors.js'
import { readControl } from './control.js'
import { dataDigest, type DataDigest } from './digest.js'
import { parseDflts } from './dflts.js'
import type { InputFile } from './exp.js'
import { inOrder, newFaults } from './faults.js'
import { problemText, type Problem } from './json-lines.js'
import { makePlan, type Plan } from './plan.js'
import { parseUpf, type UpfLine } from './upf.js'
import type { DataCheck, Params, Workflow } from './workflow.js'

/** UPF and DFLTS as read, before the data is looked at. */
export interface Inputs {
  readonly upf: InputFile & { readonly lines: readonly UpfLine[] }
  readonly dflts: InputFile & { readonly values: Params }
  /** Name or path of the workflow all lines share. */
  readonly workflow: string
  /** What is wrong so far. `prepare` refuses it, with all that the workflow finds wrong with the other lines. */
  readonly problems: readonly Problem[]
}

/** @throws HedError USAGE with all that is wrong, where nothing is left that a workflow could judge */
export function readInputs(upfPath: string, dfltsPath: string): Inputs {
  const upf = { path: upfPath, text: readNamed(upfPath, 'UPF') }
  const dflts = { path: dfltsPath, text: readNamed(dfltsPath, 'DFLTS') }
  const read = parseUpf(upf.text, upfPath)
  const { values, problems } = parseDflts(dflts.text, dfltsPath)
  const all =
    read.misnamed.length === 0
      ? read.lines
      : [...read.lines, ...read.misnamed].sort((a, b) => a.line - b.line)
  const known = [...problems, ...read.problems]
  if (problems.length > 0) refuse(inOrder([...known, ...misguided(all, upfPath)], upfPath))
  const faults = newFaults(upfPath, { file: dfltsPath, values })
  const { workflow, lines, strangers } = commonWorkflow(values, all, faults.add)
  const inputs: Inputs = {
    upf: { ...upf, lines },
    dflts: { ...dflts, values },
    workflow,
    problems: [...known, ...faults.problems, ...misguided(strangers, upfPath)],
  }
  if (lines.length === 0) refuseKnown(inputs)
  return inputs
}

const DEFAULT_WORKFLOW = 'hed'

/**
 * The workflow all RUNs share: executors load one, once. A path becomes absolute.
 * @returns with it the lines that are for it, and those that are not
 */
function commonWorkflow(
  dflts: Params,
  all: readonly UpfLine[],
  wrong: (line: UpfLine, text: string) => void,
): { workflow: string; lines: readonly UpfLine[]; strangers: readonly UpfLine[] } {
  let first: string | undefined
  const strangers = all.filter(line => {
    const name = line.values['workflow'] ?? dflts['workflow'] ?? DEFAULT_WORKFLOW
    if (typeof name !== 'string')
      wrong(line, `"workflow" is ${JSON.stringify(name)}, want a name or a path`)
    else if (name !== (first ??= name))
      wrong(
        line,
        `has the "workflow" ${JSON.stringify(name)}, but ${JSON.stringify(first)} above: one an EXP`,
      )
    return name !== first
  })
  const name = first ?? DEFAULT_WORKFLOW
  const odd = new Set(strangers)
  return {
    workflow: name.startsWith('.') ? resolve(name) : name,
    lines: odd.size === 0 ? all : all.filter(line => !odd.has(line)),
    strangers,
  }
}

/** Control keys of the lines themselves that are wrong: no workflow is needed to see it. */
function misguided(lines: readonly UpfLine[], file: string): Problem[] {
  const problems: Problem[] = []
  for (const { line, values } of lines)
    readControl(values, -1, text => problems.push({ file, line, text }))
  return problems
}

/** For what must go well before lines can be judged: where it does not, what is wrong with them all the same comes first. */
export function refusing(inputs: Inputs): (error: unknown) => never {
  return error => {
    refuseKnown(inputs)
    throw error
  }
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
  const { data, check } = await look(inputs, workflow, options).catch(refusing(inputs))
  const plan = makePlan({
    upf: { file: inputs.upf.path, lines: inputs.upf.lines },
    dflts: { file: inputs.dflts.path, values: inputs.dflts.values },
    workflow,
    data: check,
    ...options,
  })
  refuse(inOrder([...inputs.problems, ...plan.problems], inputs.upf.path))
  const notes = [
    ...check.notes,
    ...plan.notes.map(n => `${basename(inputs.dflts.path)}: ${n}`),
    ...plan.warnings.map(w => `warning: ${w}`),
  ]
  return { plan, data, notes }
}

/** At the data, and at what lines name. */
async function look(
  inputs: Inputs,
  workflow: Workflow,
  { dataSource, backend }: { readonly dataSource: string; readonly backend: string },
): Promise<{ data: DataDigest; check: DataCheck }> {
  const data = await dataDigest(dataSource, workflow.files)
  const check = await workflow.inspect(dataSource, backend)
  await workflow.preload?.([inputs.dflts.values, ...inputs.upf.lines.map(line => line.values)])
  return { data, check }
}

/** What is wrong without a word of the workflow, if anything. */
function refuseKnown({ upf, problems }: Inputs): void {
  refuse(inOrder([...problems, ...misguided(upf.lines, upf.path)], upf.path))
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
