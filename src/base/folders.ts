import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from './errors.js'

/**
 * A folder, and those above it. Node's own `recursive` never returns where the system makes no folder though the one above
 * is there, as in /proc.
 * @param mode of each that is made; the umask takes its bits away
 */
export function makeFolders(path: string, mode = 0o777): void {
  const isFolder = (at: string) =>
    fs.statSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false
  try {
    fs.mkdirSync(path, mode)
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(path)) return
    if (!mayRetry(path, error) || isFolder(dirname(path))) throw error
    makeFolders(dirname(path), mode)
    try {
      fs.mkdirSync(path, mode)
    } catch (again) {
      if (codeOf(again) !== 'EEXIST') throw again // another process has made it
    }
  }
}

function mayRetry(path: string, error: unknown): boolean {
  return codeOf(error) === 'ENOENT' && dirname(path) !== path
}
