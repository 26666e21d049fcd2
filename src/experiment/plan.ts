import * as fs from 'node:fs'
import { crc32, type Json } from '../base/digest.js'
import { codeOf, HedError } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import { nearest } from '../base/nearest.js'
import { CONTROL, readControl, type Control } from './control.js'
import { paramsDigest } from './digest.js'
import { inOrder, newFaults } from './faults.js'
import type { JsonObject, Problem } from './json-lines.js'
import * as layout from './layout.js'
import type { UpfLine } from './upf.js'
import type { DataCheck, Params, Workflow } from './workflow.js'

/** A RUN as it will be given out. */
export interface PlannedRun extends Control {
  readonly run: RunId
  /** 1-based line of the UPF. */
  readonly line: number
  readonly params: Params
  readonly origins: Readonly<Record<string, string>>
  /** What the workflow made of the line, e.g. `{ index, drug }`. */
  readonly resolved: Params
  /** What the marker must say: see digest.ts. */
  readonly digest: string
}

export interface Plan {
  readonly runs: readonly PlannedRun[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
  readonly notes: readonly string[]
}

export interface PlanInput {
  readonly upf: { readonly file: string; readonly lines: readonly UpfLine[] }
  readonly dflts: { readonly file: string; readonly values: JsonObject }
  readonly workflow: Workflow
  /** Model defaults; on resume and restart those recorded in exp.json. */
  readonly defaults: Params
  readonly data: DataCheck
  readonly threads: number
  readonly backend: string
  /** BENCHMARK_TIMEOUT. */
  readonly timeout: number
  /** Unknown keys are errors. */
  readonly strict: boolean
}

/** Keys of the original workflow that ours replaces. */
export const REPLACED =
  /^(pre_module|post_module|input_dir.*|output_dir|instance_directory|ckpt_directory)$/

/** The one merge of hyperparameters: model default < DFLTS < UPF line, shallow. */
export function makePlan(input: PlanInput): Plan {
  const { upf, dflts, workflow } = input
  const faults = newFaults(upf.file, dflts)
  const { problems } = faults
  const warnings: string[] = []
  const replaced = new Set<string>()
  const known = knownKeys(workflow, input.defaults)

  const checkKeys = (values: JsonObject, file: string, line: number) => {
    for (const key of Object.keys(values)) {
      if (REPLACED.test(key)) replaced.add(key)
      else if (!known.has(key)) {
        const near = nearest(key, known.names)
        const text = `nobody knows "${key}"${near === undefined ? '' : `; did you mean "${near}"?`}`
        if (input.strict) problems.push({ file, line, text })
        else warnings.push(`${line > 0 ? `${file}:${line}` : file}: ${text}`)
      }
    }
  }
  checkKeys(dflts.values, dflts.file, 0)

  const base: Merged = { params: {}, origins: {}, control: {} }
  lay(base, 'default', input.defaults)
  lay(base, 'DFLTS', dflts.values)
  const runs: PlannedRun[] = []
  for (const { run, line, values } of upf.lines) {
    checkKeys(values, upf.file, line)
    const merged = {
      params: { ...base.params },
      origins: { ...base.origins },
      control: { ...base.control },
    }
    lay(merged, 'UPF', values)
    const { params, origins, control } = merged
    const wrong = (text: string) => faults.add({ line, values }, text)
    const steered = readControl(control, input.timeout, wrong)
    const found = input.data.resolve({ run, line, params, control })
    if ('problems' in found) {
      found.problems.forEach(wrong)
      continue
    }
    const { resolved } = found
    const digest = paramsDigest({
      params,
      resolved,
      workflow: workflow.name,
      threads: input.threads,
      backend: input.backend,
    })
    runs.push({
      run,
      line,
      params,
      origins,
      resolved,
      ...steered,
      digest,
    })
  }
  const notes =
    replaced.size === 0 ? [] : [`replaced by ours and not used: ${[...replaced].sort().join(', ')}`]
  return { runs, problems: inOrder(problems, upf.file), warnings, notes }
}

interface Merged {
  readonly params: Record<string, Json>
  /** Where each of them is from. */
  readonly origins: Record<string, string>
  readonly control: Record<string, Json>
}

/** Put a layer over what is there. */
function lay({ params, origins, control }: Merged, origin: string, layer: Params): void {
  for (const [key, value] of Object.entries(layer)) {
    if (REPLACED.test(key)) continue
    if (CONTROL.includes(key)) control[key] = value
    else {
      params[key] = numericList(value)
      origins[key] = origin
    }
  }
}

/** `"1000 1000"` is `[1000, 1000]`, as upstream has it for numeric lists; any other value is itself. */
function numericList(value: Json): Json {
  if (typeof value !== 'string') return value
  const parts = value.trim().split(/\s+/)
  const numbers = parts.map(Number)
  return parts.length > 1 && numbers.every(Number.isFinite) ? numbers : value
}

function knownKeys(
  workflow: Workflow,
  defaults: Params,
): { readonly names: readonly string[]; has(key: string): boolean } {
  const names = [
    ...Object.keys(defaults),
    ...CONTROL,
    ...workflow.known.filter(k => typeof k === 'string'),
  ]
  const patterns = workflow.known.filter(k => k instanceof RegExp)
  const set = new Set(names)
  return { names, has: key => set.has(key) || patterns.some(p => p.test(key)) }
}

/** For the leader, which sees neither UPF nor data: one RUN a line. */
export function writePlan(exp: string, runs: readonly PlannedRun[]): void {
  writeAtomicSync(layout.planFile(exp), runs.map(r => `${JSON.stringify(r)}\n`).join(''))
}

export function readPlan(exp: string): PlannedRun[] {
  return readPlanWithId(exp).runs
}

/** With an id that changes when any RUN of it does. */
export function readPlanWithId(exp: string): { readonly runs: PlannedRun[]; readonly id: string } {
  const file = layout.planFile(exp)
  try {
    const bytes = fs.readFileSync(file)
    const runs = bytes
      .toString()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as PlannedRun)
    return { runs, id: `${bytes.length}-${crc32(bytes).toString(16)}` }
  } catch (error) {
    if (codeOf(error) === 'EACCES')
      throw new HedError('USAGE', `${file}: this user may not read it`, {
        hint: `Ask its owner for: chmod -R go+rX ${exp}`,
        cause: error,
      })
    throw new HedError('USAGE', `${file}: is missing or damaged`, {
      hint: `Run upf-heds resume ${exp}: it is made anew.`,
      cause: error,
    })
  }
}
