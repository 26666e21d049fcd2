import { readdirSync, statSync } from 'node:fs'
import * as layout from '../experiment/layout.js'

/**
 * When the newest of what reports tell of was written, ms since 1970: status.json, and the folders of RUNs, which change
 * with each file that is put into them (checkpoints lie deeper). A copied EXP may seem newer than its reports; never older.
 */
export function newestResult(exp: string): number {
  const timeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const runs = layout.runs(exp)
  const times = readdirSync(runs).map(name => timeOf(`${runs}/${name}`))
  return times.reduce((a, b) => Math.max(a, b), Math.max(timeOf(runs), timeOf(layout.status(exp))))
}
