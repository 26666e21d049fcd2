import { codeOf } from '../base/errors.js'
import { writeAtomicSync } from '../base/files.js'

/** A report into the EXP; where that is read-only, a warning: the report was printed anyway. */
export function writeReport(path: string, text: string): void {
  try {
    writeAtomicSync(path, text)
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) throw error
    console.error(`upf-heds: ${path} is not written: the experiment is read-only`)
  }
}
