import type { RunId } from '../base/ids.js'
import { canonicalJson, type Json } from '../base/digest.js'
import { HedError } from '../base/errors.js'
import type { Experiment } from './exp.js'
import { validateMarker } from './marker.js'
import { readPlan, type PlannedRun } from './plan.js'

/** What becomes of each RUN of an earlier EXP in a new one. */
export interface Restart {
  readonly from: string
  readonly finished: readonly RunId[]
  /** Their checkpoints are carried. */
  readonly unfinished: readonly RunId[]
  /** Only `epochs` grew: they go on from their last checkpoint. */
  readonly extended: readonly RunId[]
  /** Other hyperparameters or data: put aside, begun anew. */
  readonly drifted: readonly RunId[]
  readonly added: readonly RunId[]
  readonly dropped: readonly RunId[]
}

/** What of an EXP decides the digests beside the hyperparameters. */
export type Ground = Pick<Experiment, 'data' | 'settings' | 'workflow'>

/**
 * Compare an earlier EXP with what would run now. Reads only.
 *
 * @throws HedError USAGE with the differences, unless drift is accepted
 */
export function planRestart(
  old: Experiment,
  now: Ground,
  plan: readonly PlannedRun[],
  acceptDrift: boolean,
): Restart {
  const before = new Map(readPlan(old.path).map(run => [run.run, run]))
  const dataDrift = old.data.digest !== now.data.digest
  const settings = settingDifferences(old, now)
  const differences: string[] = dataDrift ? dataDifferences(old, now) : []
  let isDrift = dataDrift
  const groups: Record<Exclude<keyof Restart, 'from'>, RunId[]> = {
    finished: [],
    unfinished: [],
    extended: [],
    drifted: [],
    added: [],
    dropped: [],
  }
  for (const run of plan) {
    const was = before.get(run.run)
    if (!was) groups.added.push(run.run)
    else if (was.digest !== run.digest || dataDrift) {
      const changes = paramDifferences(was, run)
      differences.push(...changes.map(text => `${run.run}: ${text}`))
      isDrift = true
      if (!dataDrift && onlyMoreEpochs(was, run, changes.length + settings.length))
        groups.extended.push(run.run)
      else groups.drifted.push(run.run)
    } else {
      const expected = { params: run.digest, data: now.data.digest, seed: run.params['seed'] ?? 0 }
      const found = validateMarker(old.path, run.run, expected)
      groups[found.valid ? 'finished' : 'unfinished'].push(run.run)
    }
  }
  const kept = new Set(plan.map(r => r.run))
  groups.dropped.push(...[...before.keys()].filter(id => !kept.has(id)))
  if (isDrift && !acceptDrift) throw refusal(old, settings, differences)
  return { from: old.path, ...groups }
}

const SHOWN = 10

function refusal(
  old: Experiment,
  settings: readonly Difference[],
  differences: readonly string[],
): HedError {
  const all = [...settings.map(s => `${s.name}: ${show(s.was)} → ${show(s.is)}`), ...differences]
  const shown = all.slice(0, SHOWN)
  if (all.length > SHOWN) shown.push(`… and ${all.length - SHOWN} more`)
  const flags = settings.flatMap(s => (s.flag === undefined ? [] : [`${s.flag} ${s.was}`]))
  const others = flags.length === 0 ? 'Restore them' : 'restore the rest'
  const restore = [
    ...(flags.length > 0 ? [`Give ${flags.join(' ')}`] : []),
    ...(all.length > flags.length ? [others] : []),
  ].join(' and ')
  return new HedError(
    'USAGE',
    `${old.path} was run with other settings, hyperparameters or data:\n${shown.join('\n')}`,
    {
      hint: `${restore}, start without the EXP, or give --accept-drift: changed RUNs begin anew, those with only more epochs go on.`,
    },
  )
}

function dataDifferences(old: Experiment, now: Ground): string[] {
  return old.data.files.flatMap(file => {
    const found = now.data.files.find(f => f.name === file.name)
    if (found?.sha256 === file.sha256) return []
    const short = (f: { sha256: string; bytes: number } | undefined) =>
      f ? `${f.sha256.slice(0, 12)}… (${f.bytes} bytes)` : 'none'
    return [`data ${file.name}: ${short(file)} → ${short(found)}`]
  })
}

interface Difference {
  readonly name: string
  readonly was: string | number
  readonly is: string | number
  /** That sets it. */
  readonly flag?: string
}

/** What is the same for all RUNs and part of each digest. */
function settingDifferences(old: Ground, now: Ground): Difference[] {
  const [was, is] = [old.settings, now.settings]
  const all: Difference[] = [
    { name: 'THREADS', was: was.THREADS, is: is.THREADS, flag: '--threads' },
    { name: 'BACKEND', was: was.BACKEND, is: is.BACKEND, flag: '--backend' },
    { name: 'workflow', was: old.workflow, is: now.workflow },
  ]
  return all.filter(d => d.was !== d.is)
}

/** `"epochs": 3 → 5`, one a key. */
function paramDifferences(was: PlannedRun, run: PlannedRun): readonly string[] {
  const changes: string[] = []
  const compare = (name: string, a: Json | undefined, b: Json | undefined) => {
    const isSame =
      a === undefined || b === undefined ? a === b : canonicalJson(a) === canonicalJson(b)
    if (!isSame) changes.push(`${name}: ${show(a)} → ${show(b)}`)
  }
  for (const key of new Set([...Object.keys(was.params), ...Object.keys(run.params)]))
    compare(`"${key}"`, was.params[key], run.params[key])
  for (const key of new Set([...Object.keys(was.resolved), ...Object.keys(run.resolved)]))
    compare(key, was.resolved[key], run.resolved[key])
  return changes
}

function onlyMoreEpochs(was: PlannedRun, run: PlannedRun, changes: number): boolean {
  return changes === 1 && Number(run.params['epochs']) > Number(was.params['epochs'])
}

function show(value: Json | undefined): string {
  return value === undefined ? 'unset' : JSON.stringify(value)
}
