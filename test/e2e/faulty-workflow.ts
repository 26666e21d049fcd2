import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome, RunContext } from '../../src/experiment/workflow.js'
import { bareWorkflow } from './bare-workflow.js'

/**
 * A workflow without data whose RUNs do what their `act` says, in their first attempt or in all:
 * `ok`, `exit`, `exit0`, `throw`, `reject` (an error that nobody catches), `nothing` (returns nothing), `rave` (a very long text with odd characters), `abort`, `segv`, `heap`,
 * `eat` (400 MB), `eat-apart` (the same in a process it starts), `spin`, `sleep`, `kill-agent`, `leave` (exits; a process of a group of its own, with its pid
 * in `left.txt`, keeps its pipes open). A `quiet` one says and writes nothing: it lasts microseconds.
 */
export const workflow = bareWorkflow(
  'faulty',
  { act: 'ok', always: false, quiet: false, seed: 0 },
  act,
)

const eaten: Buffer[] = []
const EATEN = 400 * 1024 * 1024
/** It ends with its parent, whose pipe it reads. */
const EATER = `const eaten = Buffer.alloc(${EATEN}, 1); process.stdin.on('end', () => process.exit(eaten[0])).resume()`
/** Its agent looks at an executor's memory once a second; a busy machine is later. */
const LOOKED_AT_MS = 4000
/** Until it is killed, however busy the machine is. */
const LONG_MS = 30_000

/** Until V8 gives up. */
function fillHeap(): never {
  const kept: object[] = []
  for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => ({ i })))
}

async function act(context: RunContext): Promise<Outcome> {
  const { params, attempt, directory, signal } = context
  const isQuiet = params['quiet'] === true
  if (!isQuiet) {
    context.progress({ phase: 'train', epoch: 0, epochs: 1 })
    context.log('begins')
    console.error(`${context.run} complains`)
  }
  if (attempt === 1 || params['always'] === true)
    switch (params['act']) {
      case 'exit':
        return process.exit(3)
      case 'exit-within-a-line':
        process.stdout.write('last words without an end')
        return process.exit(3)
      case 'exit0':
        return process.exit(0)
      case 'segv':
        process.kill(process.pid, 'SIGSEGV')
        break
      case 'heap':
        return fillHeap()
      case 'eat':
        eaten.push(Buffer.alloc(EATEN, 1))
        await sleep(LOOKED_AT_MS)
        eaten.length = 0
        break
      case 'eat-apart': {
        const eater = spawn(process.execPath, ['-e', EATER], {
          stdio: ['pipe', 'ignore', 'ignore'],
        })
        await sleep(LOOKED_AT_MS)
        eater.kill('SIGKILL')
        break
      }
      case 'spin':
        for (;;) if (eaten.length > 0) break
        break
      case 'kill-agent':
        process.kill(process.ppid, 'SIGKILL')
        await sleep(LONG_MS) // it dies with its agent
        break
      case 'leave': {
        const { pid } = spawn('sleep', ['60'], { stdio: 'inherit', detached: true })
        await writeFile(join(directory, 'left.txt'), String(pid))
        return process.exit(3)
      }
      case 'rave':
        throw new Error(`odd \0\n${'x'.repeat(300_000)}`)
      case 'reject':
        void Promise.reject(new Error('rejected\non purpose'))
        await sleep(LONG_MS)
        break
      case 'nothing':
        return undefined as never
      case 'throw':
        throw new Error('thrown on purpose')
      case 'abort':
        return process.abort()
      case 'sleep':
        // until it is killed, or told to stop
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
        throw new Error('woken up')
      default:
    }
  if (isQuiet) return { epochs: 0, reason: 'completed', outputs: [] }
  await writeFile(join(directory, 'result.txt'), `${context.run}\n`)
  return { epochs: 1, reason: 'completed', outputs: ['result.txt'] }
}
