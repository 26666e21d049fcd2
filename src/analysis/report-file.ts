import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'

/** A report into the EXP; where that is read-only, a warning: the report was printed anyway. */
export function writeReport(path: string, text: string | Uint8Array): void {
  try {
    writeAtomicSync(path, text)
  } catch (error) {
    if (!isReadOnly(error)) throw error
    tellReadOnly(path)
  }
}

/** May files be made in the folder? */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch (error) {
    if (isReadOnly(error)) return false
    throw error
  }
}

export function isReadOnly(error: unknown): boolean {
  return ['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')
}

export function tellReadOnly(path: string, hasOut = false): void {
  console.error(`upf-heds: ${path} is not written: the experiment is read-only`)
  if (hasOut) console.error('hint: --out FILE writes it elsewhere.')
}

/**
 * May a page be written where the user wants it? Asked before it is made.
 * @throws HedError USAGE where something else is there, or there is no folder for it
 */
export function requirePlace(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found && !found.isFile() && !found.isDirectory()) return // a device, such as /dev/stdout
  if (found && (found.isDirectory() || !isReport(path)))
    throw new HedError('USAGE', `${path}: is there, and is no report`, {
      hint: 'Name another file with --out.',
    })
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw cannotBeWritten(path, error)
  }
}

/**
 * A page, which nothing has printed: into the EXP, or where the user wants it.
 * @returns false where the EXP is read-only, after a warning that says so @throws HedError USAGE
 */
export function writePage(path: string, text: string, isNamed: boolean): boolean {
  if (isNamed) requirePlace(path)
  try {
    const found = isNamed ? statSync(path, { throwIfNoEntry: false }) : undefined
    // a device is written to, and so is what a link leads to: neither is replaced
    if (found && !found.isFile()) writeFileSync(path, text)
    else writeAtomicSync(found ? realpathSync(path) : path, text)
    return true
  } catch (error) {
    if (isNamed || !isReadOnly(error)) throw cannotBeWritten(path, error)
    tellReadOnly(path, true)
    return false
  }
}

function cannotBeWritten(path: string, cause: unknown): HedError {
  const code = codeOf(cause) ?? String(cause)
  const why = code === 'ENOENT' ? `there is no folder ${dirname(path)}` : code
  return new HedError('USAGE', `${path}: cannot be written: ${why}`, {
    hint: 'Name another file with --out.',
    cause,
  })
}

/** A page of ours may be written anew; what else lies there is somebody's work. */
function isReport(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(1000)
    return /^<!doctype html>[^]*: sweep of /.test(head.toString('utf8', 0, readSync(file, head)))
  } finally {
    closeSync(file)
  }
}
