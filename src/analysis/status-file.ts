import { readIfThere } from '../base/files.js'
import * as layout from '../experiment/layout.js'

/** status.json: how a sweep ended. */
export interface StatusFile {
  readonly reason: string
  readonly exit: number
  readonly finished: number
  readonly failed: number
  readonly notStarted: number
  readonly begun?: number
  readonly started: string
  readonly ended: string
}

/** How a sweep has ended, as its leader left it; undefined where it did not. */
export function readStatus(exp: string): StatusFile | undefined {
  const text = readIfThere(layout.status(exp))
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as StatusFile
  } catch {
    return undefined // a damaged one is as good as none
  }
}
