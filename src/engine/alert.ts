import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { HedError, messageOf } from '../base/errors.js'

/** A program that is called and does not end is killed with all that it started. */
const LIMIT_MS = 60_000

/** Can it be called? Asked before a sweep begins: at the first alert it would be too late. @throws HedError USAGE */
export function requireProgram(program: string): void {
  const folders = program.includes('/') ? [''] : (process.env['PATH'] ?? '').split(':')
  if (folders.some(folder => isProgram(folder === '' ? program : join(folder, program)))) return
  throw new HedError('USAGE', `ON_ALERT is "${program}", want a program that can be called`, {
    hint: 'Give the path of an executable file, or a name on PATH, as --on-alert.',
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * `--on-alert`: a program with one argument, no shell: the text is data. Never throws.
 * @param onFault told once why it could not be called, did not end, or how it failed
 */
export function callProgram(
  program: string,
  text: string,
  exp: string,
  onFault: (why: string) => void,
): void {
  const fault = (why: string) => onFault(`--on-alert ${program}: ${why}`)
  try {
    const env = { ...process.env, UPF_HEDS_EXP: exp }
    const child = spawn(program, [text], { stdio: 'ignore', detached: true, env })
    const limit = setTimeout(() => {
      child.off('exit', onExit)
      fault(`killed after ${LIMIT_MS / 1000} s`)
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, LIMIT_MS)
    const onExit = (code: number | null, signal: NodeJS.Signals | null) => {
      if (code !== 0) fault(signal === null ? `exit ${code}` : `died of ${signal}`)
    }
    child.on('error', error => fault(error.message))
    child.on('exit', onExit)
    child.on('close', () => clearTimeout(limit))
    limit.unref()
    child.unref()
  } catch (error) {
    fault(messageOf(error))
  }
}
