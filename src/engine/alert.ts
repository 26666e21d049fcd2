import { spawn } from 'node:child_process'
import { messageOf } from '../base/errors.js'

/** A program that is called and does not end is killed with all that it started. */
const LIMIT_MS = 60_000

/**
 * `--on-alert`: a program with one argument, no shell: the text is data. Never throws.
 * @param onFault told why it could not be called, or did not end
 */
export function callProgram(
  program: string,
  text: string,
  exp: string,
  onFault: (why: string) => void,
): void {
  try {
    const env = { ...process.env, UPF_HEDS_EXP: exp }
    const child = spawn(program, [text], { stdio: 'ignore', detached: true, env })
    const limit = setTimeout(() => {
      onFault(`--on-alert ${program}: killed after ${LIMIT_MS / 1000} s`)
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, LIMIT_MS)
    child.on('error', error => onFault(`--on-alert ${program}: ${error.message}`))
    child.on('close', () => clearTimeout(limit))
    limit.unref()
    child.unref()
  } catch (error) {
    onFault(`--on-alert ${program}: ${messageOf(error)}`)
  }
}
