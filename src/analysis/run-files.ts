import { readIfThere } from '../base/files.js'
import type { RunId } from '../base/ids.js'
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
  return parse(readIfThere(layout.error(exp, run))) as LastError | undefined
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

/** Seconds of each epoch in history.txt. */
export function epochSecondsOf(exp: string, run: RunId): readonly number[] {
  const history = parse(readIfThere(layout.history(exp, run))) as
    { readonly seconds?: readonly number[] } | undefined
  return history?.seconds ?? []
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
