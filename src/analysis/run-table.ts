import type { Json } from '../base/digest.js'
import type { TableColumn, TablePart } from '../table/table-stream.js'
import { heldOutName } from './predictions.js'
import { historyOf, scoresOf } from './run-files.js'
import type { ReadableExp, RunState } from './run-state.js'

/** A RUN as a row; undefined and null: not there. */
type Row = Readonly<Record<string, Json | undefined>>

const METRICS = ['mse', 'rmse', 'pcc', 'scc', 'r2', 'n'] as const

/**
 * One row a RUN: what it held out, how it ended, its scores, and as `param_NAME` each hyperparameter that is not the
 * same for all.
 */
export function runTable(exp: ReadableExp, states: readonly RunState[]): TablePart {
  const varying = varyingParams(states)
  const rows = states.map(state => rowOf(exp, state, varying))
  const names = Object.keys(rows[0] ?? {})
  return Object.fromEntries(
    names.map(name => [
      name,
      columnOf(
        rows.map(row => row[name] ?? null),
        name,
      ),
    ]),
  )
}

/** Types do not hang on what happens to be there. */
const INTEGERS: ReadonlySet<string> = new Set(['index', 'epochs', 'test_n', 'val_n'])
const TEXTS: ReadonlySet<string> = new Set(['run', 'held_out', 'drug', 'cell', 'state', 'ended'])

function rowOf(exp: ReadableExp, state: RunState, varying: readonly string[]): Row {
  const { run, plan, epochs, early } = state
  const isFinished = state.state === 'finished'
  const held = heldOutName(plan.resolved)
  const history = historyOf(exp.path, run)
  const losses = history?.val_loss ?? []
  const scores = (split: 'test' | 'val') => {
    const found = isFinished ? scoresOf(exp.path, run, split) : undefined
    return METRICS.map(name => [`${split}_${name}`, found?.[name] as Json | undefined] as const)
  }
  return {
    run,
    index: plan.resolved['index'],
    held_out: held.by,
    drug: held.by === 'drug' ? held.name : null,
    cell: held.by === 'cell' ? held.name : null,
    state: state.state,
    ended: isFinished ? (early ? 'early stopping' : 'completed') : null,
    epochs,
    best_val_loss: losses.length > 0 ? losses.reduce((a, b) => Math.min(a, b)) : null,
    last_val_loss: losses.at(-1),
    train_seconds: history && history.seconds.length > 0 ? sum(history.seconds) : null,
    ...Object.fromEntries([...scores('test'), ...scores('val')]),
    ...Object.fromEntries(varying.map(name => [`param_${name}`, plan.params[name]])),
  }
}

/** Hyperparameters of which RUNs have different values, by name. */
function varyingParams(states: readonly RunState[]): string[] {
  const first = states[0]?.plan.params ?? {}
  const names = new Set(states.flatMap(s => Object.keys(s.plan.params)))
  const text = (value: Json | undefined) => JSON.stringify(value ?? null)
  return [...names]
    .filter(name => states.some(s => text(s.plan.params[name]) !== text(first[name])))
    .sort()
}

/** Numbers where all that is there are numbers; else text, of what is no text its JSON. */
function columnOf(values: readonly Json[], name: string): TableColumn {
  const numbers = values.filter(v => typeof v === 'number')
  const isNumbers = numbers.length === values.filter(v => v !== null).length
  if (isNumbers && !TEXTS.has(name)) {
    const data = values.map(v => (typeof v === 'number' ? v : NaN))
    return INTEGERS.has(name)
      ? { type: 'integer', data: Int32Array.from(data, v => (Number.isNaN(v) ? -1 : v)) }
      : { type: 'number', data: Float64Array.from(data) }
  }
  const known = new Map<string, number>()
  const codes = values.map(value => {
    if (value === null) return -1
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const code = known.get(text) ?? known.size
    known.set(text, code)
    return code
  })
  return { type: 'text', data: { values: [...known.keys()], codes: Int32Array.from(codes) } }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
