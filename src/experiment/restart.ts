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
  const differences: string[] = dataDrift ? dataDifferences(old, now) : []
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
      const changes = paramDifferences(old, now, was, run)
      differences.push(...changes.map(text => `${run.run}: ${text}`))
      if (!dataDrift && onlyMoreEpochs(was, run, changes.length)) groups.extended.push(run.run)
      else groups.drifted.push(run.run)
    } else {
      const expected = { params: run.digest, data: now.data.digest, seed: run.params['seed'] ?? 0 }
      const found = validateMarker(old.path, run.run, expected)
      groups[found.valid ? 'finished' : 'unfinished'].push(run.run)
    }
  }
  const kept = new Set(plan.map(r => r.run))
  groups.dropped.push(...[...before.keys()].filter(id => !kept.has(id)))
  if (differences.length > 0 && !acceptDrift) throw refusal(old, differences)
  return { from: old.path, ...groups }
}

const SHOWN = 10

function refusal(old: Experiment, differences: readonly string[]): HedError {
  const shown = differences.slice(0, SHOWN)
  if (differences.length > SHOWN) shown.push(`… and ${differences.length - SHOWN} more`)
  return new HedError(
    'USAGE',
    `${old.path} was run with other hyperparameters or data:\n${shown.join('\n')}`,
    {
      hint: 'Restore them, start without the EXP, or give --accept-drift: changed RUNs begin anew, those with only more epochs go on.',
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

/** `"epochs": 3 → 5`, one a key. */
function paramDifferences(
  old: Ground,
  now: Ground,
  was: PlannedRun,
  run: PlannedRun,
): readonly string[] {
  const changes: string[] = []
  const compare = (name: string, a: Json | undefined, b: Json | undefined) => {
    if (canonicalJson(a ?? null) !== canonicalJson(b ?? null))
      changes.push(`${name}: ${show(a)} → ${show(b)}`)
  }
  for (const key of new Set([...Object.keys(was.params), ...Object.keys(run.params)]))
    compare(`"${key}"`, was.params[key], run.params[key])
  for (const key of new Set([...Object.keys(was.resolved), ...Object.keys(run.resolved)]))
    compare(key, was.resolved[key], run.resolved[key])
  compare('THREADS', old.settings.THREADS, now.settings.THREADS)
  compare('BACKEND', old.settings.BACKEND, now.settings.BACKEND)
  compare('workflow', old.workflow, now.workflow)
  return changes
}

function onlyMoreEpochs(was: PlannedRun, run: PlannedRun, changes: number): boolean {
  return changes === 1 && Number(run.params['epochs']) > Number(was.params['epochs'])
}

function show(value: Json | undefined): string {
  return value === undefined ? 'unset' : JSON.stringify(value)
}
