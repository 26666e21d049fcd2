import { readIfThere } from '../base/files.js'
import { isCount, isText, shape } from '../base/shape.js'
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

const isDate = (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value))
const isStatus = shape({
  ...{ reason: isText, exit: isCount, finished: isCount, failed: isCount, notStarted: isCount },
  ...{ started: isDate, ended: isDate },
})

/** How a sweep has ended, as its leader left it; undefined where it did not. */
export function readStatus(exp: string): StatusFile | undefined {
  const text = readIfThere(layout.status(exp))
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isStatus(value) ? (value as StatusFile) : undefined
  } catch {
    return undefined // a damaged one is as good as none
  }
}
