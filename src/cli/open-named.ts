import { openExp, type Experiment } from '../experiment/exp.js'
import { BUILT_IN } from '../sites/builtin.js'

/** An EXP for a command that reads: a path, or a name below CANDLE_DATA_DIR. */
export function openNamed(name: string): Experiment {
  return openExp(name, process.env['CANDLE_DATA_DIR'] ?? BUILT_IN.CANDLE_DATA_DIR ?? '.')
}
