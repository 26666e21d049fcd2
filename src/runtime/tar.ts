import { spawn, type ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { codeOf, HedError } from '../base/errors.js'

/** Why GNU tar: it keeps long names, modes and links, and lets no entry out of the folder it unpacks in. */
export async function requireTar(): Promise<void> {
  const child = spawn('tar', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  await exitOf(child)
  if (!said.includes('GNU tar'))
    throw new HedError('USAGE', 'the tar on PATH is not GNU tar', {
      hint: 'Put GNU tar first on PATH, under the name tar.',
    })
}

/**
 * Call tar. Whatever it has to say is an error: it also warns of names that it made harmless.
 * @param input told to its stdin, or a function that feeds it to its end
 * @throws HedError USAGE with the first thing it said; see isFull
 */
export async function tar(
  args: readonly string[],
  input: Buffer | ((stdin: Writable) => Promise<void>),
  what: string,
): Promise<void> {
  const child = spawn('tar', args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', TAR_OPTIONS: '' },
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    if (said.length < 4096) said += text.toString()
  })
  const ended = exitOf(child)
  ended.catch(() => undefined) // told where it is waited for
  child.stdin.on('error', () => undefined) // it has gone: its exit status tells
  if (Buffer.isBuffer(input)) child.stdin.end(input)
  else
    try {
      await input(child.stdin)
    } catch (error) {
      if (!GONE.includes(codeOf(error) ?? '')) {
        child.kill('SIGKILL')
        await ended.catch(() => undefined)
        throw error
      }
    }
  const status = await ended
  if (status === 0 && said === '') return
  const [line] = said.split('\n')
  throw new HedError('USAGE', `${what}: ${line || `tar ended with ${status}`}`)
}

/** tar has ended, and reads no more. */
const GONE = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE']

/** Did the disk have no room? */
export function isFull(error: unknown): boolean {
  return (
    error instanceof HedError &&
    /No space left|Disk quota exceeded|Wrote only \d+ of/.test(error.message)
  )
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', error => {
      reject(
        codeOf(error) === 'ENOENT'
          ? new HedError('USAGE', 'tar is not on this machine', { hint: 'Install GNU tar.' })
          : error,
      )
    })
    child.once('close', (code, signal) => resolve(code ?? signal ?? '?'))
  })
}
