import { findExp, openExp, type Experiment } from '../experiment/exp.js'
import { isUpstream, type UpstreamExp } from '../experiment/upstream.js'
import { BUILT_IN } from '../sites/builtin.js'

/** An EXP by path, or by name below CANDLE_DATA_DIR. */
export function openNamed(name: string): Experiment {
  return openExp(name, folder())
}

/** The same for a command that reads: one that the original workflow left will do, with a warning. */
export function openForReading(name: string): Experiment | UpstreamExp {
  const path = findExp(name, folder())
  if (!isUpstream(path)) return openNamed(name)
  console.error(
    `upf-heds: ${path} is of the original workflow: a RUN counts as finished by its old marker, scores and predictions`,
  )
  return { type: 'upstream', path }
}

function folder(): string {
  return process.env['CANDLE_DATA_DIR'] ?? BUILT_IN.CANDLE_DATA_DIR ?? '.'
}
