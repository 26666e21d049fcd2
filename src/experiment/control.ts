import type { Params } from './workflow.js'

/** Keys that steer the sweep and are no hyperparameters. */
export const CONTROL: readonly string[] =
  'index drug cell workflow retries timeout memory monitor'.split(' ')

/** What the engine does with a RUN. */
export interface Control {
  /** How often a failed attempt is repeated. */
  readonly retries: number
  /** Seconds for one attempt; -1: no limit. */
  readonly timeout: number
  /** MB that an executor may use for it; -1: no limit. One attempt that passes it is repeated with twice as much. */
  readonly memory: number
  /** Seconds between two looks at its processes, for perf.csv; absent: none. */
  readonly monitor?: number
}

const RETRIES = 1
/** Seconds; the agent looks at some twenty files each time. */
const LEAST_MONITOR = 0.1
/** A day. */
const MOST_MONITOR = 86_400
const WANT_MONITOR = `${LEAST_MONITOR} to ${MOST_MONITOR} seconds, or -1 for none`

/**
 * The control keys that are the engine's; the others are the workflow's, which looks at them itself.
 * @param timeout seconds where `timeout` is not given
 * @param wrong told all that is wrong, one text each, which begins with the key in quotes
 */
export function readControl(
  values: Params,
  timeout: number,
  wrong: (text: string) => void,
): Control {
  const read = (key: string, otherwise: number, isFine: (n: number) => boolean, want: string) => {
    const value = values[key] ?? otherwise
    if (typeof value === 'number' && isFine(value)) return value
    wrong(`"${key}" is ${JSON.stringify(value)}, want ${want}`)
    return otherwise
  }
  const isLimit = (n: number) => n > 0 || n === -1
  const retries = read('retries', RETRIES, n => Number.isInteger(n) && n >= 0, 'an integer ≥ 0')
  const seconds = read('timeout', timeout, isLimit, 'seconds > 0, or -1 for none')
  const memory = read('memory', -1, isLimit, 'MB > 0, or -1 for no limit')
  const monitor = read(
    'monitor',
    -1,
    n => (n >= LEAST_MONITOR && n <= MOST_MONITOR) || n === -1,
    WANT_MONITOR,
  )
  return { retries, timeout: seconds, memory, ...(monitor === -1 ? {} : { monitor }) }
}
