import { codeOf, HedError, messageOf } from '../../base/errors.js'
import { plural } from '../../base/plural.js'
import { readJournal, type JournalContent } from '../../experiment/journal.js'
import * as layout from '../../experiment/layout.js'
import type { LeaderSign, LiveStatus } from '../../experiment/live-status.js'
import type { Params } from '../../experiment/workflow.js'
import { judgeCurve } from '../convergence.js'
import { heldOutName, predictionsOf } from '../predictions.js'
import { historyOf, lastErrorOf, scoresOf, type LastError } from '../run-files.js'
import { runStates, type ReadableExp, type RunState } from '../run-state.js'
import { readStatus } from '../status-file.js'
import { MEAN_RESAMPLES, RESAMPLES } from './bootstrap.js'
import type { Blocks, Group, Machine, ReportContent, RunFacts } from './content.js'
import { experimentFacts } from './experiment-facts.js'
import { groupOf, type ReadRun } from './group.js'
import { machineOf } from './machine.js'
import { packCurves } from './pack.js'
import { LabelCodes, pairsOf } from './pairs.js'

export interface Gathered {
  readonly content: ReportContent
  readonly blocks: Blocks
}

type OnShare = (share: number) => void

interface Now {
  readonly live: LiveStatus | undefined
  readonly sign: LeaderSign | undefined
}

/** Columns of history.txt in the block `curves`. */
const CURVES = ['val_loss', 'loss', 'seconds'] as const

/**
 * Read everything that report.html tells of an EXP. Damage is a note on the page, no error.
 * @param onShare told the share of the RUNs that were read, 0 … 1
 */
export function gather(exp: ReadableExp, now: Now, onShare: OnShare = () => undefined): Gathered {
  const notes: string[] = []
  const isRunning = now.live ? true : now.sign ? now.sign.isAlive !== false : false
  const states = runStates(exp, false, isRunning)
  const histories = states.map(({ run }) => {
    const history = historyOf(exp.path, run)
    return CURVES.map(name => history?.[name] ?? [])
  })
  const epochs = histories.map(columns => Math.max(...columns.map(c => c.length)))
  const runs = states.map((state, r) => ({
    ...runFacts(exp, state),
    epochs: epochs[r]!,
    convergence: judged(histories[r]![0]!, state.early),
  }))
  const groups = readGroups(exp, states, notes, onShare)
  notes.push(
    ...differing(
      states,
      groups.map(g => g.group),
    ),
  )
  const blocks: Record<string, Uint8Array> = { curves: packCurves(histories, epochs) }
  groups.forEach(({ bytes }, g) => (blocks[`pairs-${g}`] = bytes))
  const count = (state: RunFacts['state']) => runs.filter(r => r.state === state).length
  return {
    content: {
      made: new Date().toISOString(),
      experiment: experimentFacts(exp, isRunning),
      counts: {
        finished: count('finished'),
        failed: count('failed'),
        running: count('running'),
        interrupted: count('interrupted'),
        damaged: count('damaged'),
        'not started': count('not started'),
      },
      runs,
      groups: groups.map(g => g.group),
      machine: machine(exp, states, isRunning, notes),
      notes,
      resamples: { means: MEAN_RESAMPLES, each: RESAMPLES },
    },
    blocks,
  }
}

function runFacts(
  exp: ReadableExp,
  { run, plan, state, damage }: RunState,
): Omit<RunFacts, 'epochs' | 'convergence'> {
  const held = heldOutName(plan.resolved)
  const error = state === 'finished' ? undefined : lastErrorOf(exp.path, run)
  const seed = 'type' in exp ? null : (plan.params['seed'] ?? 0)
  return {
    ...{ run, state, damage, by: held.by, holds: held.by === 'random' ? '' : held.name },
    seed: typeof seed === 'number' ? seed : null,
    error: error ? cut(error) : null,
  }
}

/** Lines of the log that the page shows, and characters of each: error.json has them whole. */
const LOG_LINES = 20
const LOG_WIDTH = 240

function cut({ attempt, fate, message, log }: LastError): LastError {
  const lines = log.slice(-LOG_LINES)
  return { attempt, fate, message, log: lines.map(line => line.slice(0, LOG_WIDTH)) }
}

function judged(losses: readonly number[], early: boolean): RunFacts['convergence'] {
  return losses.length === 0 ? null : judgeCurve(losses, early).status
}

interface Kind {
  readonly by: Group['by']
  readonly codes: LabelCodes
  readonly runs: ReadRun[]
}

/** One RUN's predictions at a time are in memory; of each its pairs stay. */
function readGroups(
  exp: ReadableExp,
  states: readonly RunState[],
  notes: string[],
  onShare: OnShare,
) {
  const kinds = new Map<Group['by'], Kind>()
  const apart: string[] = []
  for (const [index, state] of states.entries()) {
    onShare(index / states.length)
    if (state.state !== 'finished') continue
    const { run } = state
    let found
    try {
      found = predictionsOf(exp, state, 'test')
    } catch (error) {
      if (!(error instanceof HedError)) throw error
      notes.push(`${run} is left out of the errors: ${messageOf(error)}`)
      continue
    }
    if (!found || found.aucTrue.length === 0) {
      if ('type' in exp || exp.workflow === 'hed')
        notes.push(`${run} is finished and has no test predictions`)
      continue
    }
    const { heldOut } = found
    const kind = kinds.get(heldOut.by) ?? { by: heldOut.by, codes: new LabelCodes(), runs: [] }
    kinds.set(heldOut.by, kind)
    const pairs = pairsOf(found, heldOut.by === 'cell' ? 'drugs' : 'cells', kind.codes)
    const scores = scoresOf(exp.path, run, 'test') ?? {}
    const valMse = scoresOf(exp.path, run, 'val')?.['mse']
    const rows = pairs.rows.reduce((a, b) => a + b, 0)
    const mse = pairs.sumSquares.reduce((a, b) => a + b, 0) / rows
    if (typeof scores['mse'] === 'number' && !isNear(scores['mse'], mse)) apart.push(run)
    kind.runs.push({
      ...{ run, index, pairs, scores },
      name: heldOut.by === 'random' ? run : heldOut.name,
      valMse: typeof valMse === 'number' ? valMse : null,
    })
  }
  if (apart.length > 0)
    notes.push(
      `the mse of test_scores.json is not that of the predictions in ${plural(apart.length, 'RUN')}: ${apart.slice(0, 10).join(', ')}${apart.length > 10 ? ', …' : ''}. The page shows that of the predictions.`,
    )
  return [...kinds.values()]
    .sort((a, b) => b.runs.length - a.runs.length)
    .map(({ by, runs, codes }) => groupOf(by, runs, codes))
}

/** RUNs of one drug are replicates if they differ by their seed alone. */
function differing(states: readonly RunState[], groups: readonly Group[]): string[] {
  const names = new Set<string>()
  const entries = groups
    .flatMap(g => g.entries)
    .filter(({ runs }) => {
      const [first, ...others] = runs.map(r => states[r]!.plan.params)
      const found = others.flatMap(other => differences(first!, other))
      for (const name of found) names.add(name)
      return found.length > 0
    })
  if (entries.length === 0) return []
  const [{ name }] = entries as [Group['entries'][number]]
  const more = entries.length > 1 ? ` and ${plural(entries.length - 1, 'other')}` : ''
  return [
    `the RUNs of ${name}${more} differ by more than their seed (${[...names].sort().join(', ')}): the page shows the mean over them, and each where one is chosen.`,
  ]
}

function differences(a: Params, b: Params): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  const text = (value: unknown) => JSON.stringify(value ?? null)
  return [...names].filter(name => name !== 'seed' && text(a[name]) !== text(b[name]))
}

/** Predictions have six decimals. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-5 + 1e-3 * Math.abs(b)
}

function journalOf(exp: string, notes: string[]): JournalContent {
  try {
    return readJournal(layout.journal(exp))
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
    notes.push('Its journal may not be read by whoever made this page: nothing is told of ranks.')
    return { records: [], damaged: 0 }
  }
}

function machine(
  exp: ReadableExp,
  states: readonly RunState[],
  isRunning: boolean,
  notes: string[],
): Machine | null {
  if ('type' in exp) return null
  const { records, damaged } = journalOf(exp.path, notes)
  if (damaged > 0)
    notes.push(
      `${plural(damaged, 'byte')} of the journal damaged: some attempts may be missing below`,
    )
  const indexOf = new Map<string, number>(states.map(({ run }, r) => [run, r]))
  const { RANKS, PPN } = exp.settings
  const ended = readStatus(exp.path)?.ended
  const until = isRunning ? new Date() : ended === undefined ? undefined : new Date(ended)
  return machineOf(records, indexOf, { slots: RANKS === 'node' ? PPN : 1, until })
}
