import { readIfThere } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import { isObject } from '../base/shape.js'
import type { Fate } from '../experiment/fate.js'
import * as layout from '../experiment/layout.js'

/** Small files of a RUN, as they lie there. A damaged one is as good as none: no command may fail for it. */

/** error.json: the last attempt that failed. */
export interface LastError {
  readonly attempt: number
  readonly fate: Fate
  readonly message: string
  /** The end of the rank's log. */
  readonly log: readonly string[]
}

export function lastErrorOf(exp: string, run: RunId): LastError | undefined {
  const found = parse(readIfThere(layout.error(exp, run)))
  if (!isObject(found)) return undefined
  const { attempt, fate, message, log } = found as Partial<Record<keyof LastError, unknown>>
  const isOurs =
    typeof attempt === 'number' && typeof fate === 'string' && typeof message === 'string'
  if (!isOurs) return undefined
  const lines = Array.isArray(log) ? log.filter(line => typeof line === 'string') : []
  return { attempt, fate: fate as Fate, message, log: lines }
}

/** rank.txt: who began it last. */
export interface Owner {
  readonly attempt: number
  readonly rank: number
  readonly host: string
}

export function ownerOf(exp: string, run: RunId): Owner | undefined {
  const text = readIfThere(layout.rankFile(exp, run))
  if (text === undefined) return undefined
  const value = (key: string) => new RegExp(`^${key} = (.*)$`, 'm').exec(text)?.[1] ?? ''
  return { attempt: Number(value('attempt')), rank: Number(value('rank')), host: value('host') }
}

/** history.txt, one element an epoch; lists that are not there, or have anything but numbers, are empty. Of the original workflow: its last process alone. */
export interface RunHistory {
  readonly loss: readonly number[]
  readonly val_loss: readonly number[]
  readonly seconds: readonly number[]
}

export function historyOf(exp: string, run: RunId): RunHistory | undefined {
  const found = parse(readIfThere(layout.history(exp, run)))
  if (!isObject(found)) return undefined
  const list = (name: string) => {
    const value = found[name]
    return Array.isArray(value) && value.every(Number.isFinite) ? (value as number[]) : []
  }
  return { loss: list('loss'), val_loss: list('val_loss'), seconds: list('seconds') }
}

/** Scores of a RUN by name; those that are undefined are null. */
export function scoresOf(
  exp: string,
  run: RunId,
  which: 'test' | 'val',
): Readonly<Record<string, unknown>> | undefined {
  const file = which === 'test' ? layout.testScores : layout.valScores
  const found = parse(readIfThere(file(exp, run)))
  return isObject(found) ? found : undefined
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
