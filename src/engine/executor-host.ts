import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { lineSplitter } from '../base/lines.js'
import { killsForMemory } from './memory.js'
import { parseFromExecutor, type FromExecutor, type ToExecutor } from './executor-protocol.js'
import { newRunTails } from './output-marks.js'
import type { Fate } from '../experiment/fate.js'

const PROGRAM = fileURLToPath(new URL('./executor-bin.js', import.meta.url))

/** For the last words of an executor that has ended. */
const DRAIN_MS = 1000

export interface ExecutorHost {
  readonly pid: number | undefined
  tell(message: ToExecutor): void
  /** The last lines that an attempt has printed. */
  tail(run: string, attempt: number): readonly string[]
  /** SIGKILL to the executor and whatever it started. */
  kill(): void
}

export interface ExecutorCommand {
  /** Tells whoever lists processes whose it is. */
  readonly exp: string
  readonly environment: NodeJS.ProcessEnv
  /** Words before its command, whose program becomes the executor by `exec`. */
  readonly before: readonly string[]
}

export interface ExecutorEvents {
  readonly onMessage: (message: FromExecutor) => void
  /** One line of its stdout or stderr. */
  readonly onOutput: (line: string) => void
  readonly onExit: (fate: Fate, how: string) => void
}

/** Start an executor in a process group of its own. */
export function spawnExecutor(
  { exp, environment, before }: ExecutorCommand,
  { onMessage, onOutput, onExit }: ExecutorEvents,
): ExecutorHost {
  const [program, ...args] = [...before, process.execPath, PROGRAM, exp]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: environment,
  })
  const [, stdout, stderr, to, from] = child.stdio
  let lastLines = ''
  let lastWord = ''
  const tails = newRunTails()
  const afterOutput = newAfterOutput()
  const output = (stream: 'stdout' | 'stderr') =>
    lineSplitter(line => {
      if (!tails.add(stream, line)) return
      lastLines = (lastLines + line).slice(-4000)
      onOutput(line)
    })
  const [onStdout, onStderr] = [output('stdout'), output('stderr')]
  stdout?.on('data', onStdout)
  stderr?.on('data', onStderr)
  ;(from as NodeJS.ReadableStream).on(
    'data',
    lineSplitter(line => {
      const message = parseFromExecutor(line)
      if (message?.type === 'dying') lastWord = `: ${message.message}`
      else if (message) afterOutput(() => onMessage(message))
      else onOutput(line)
    }),
  )
  const pipe = to as Writable
  pipe.on('error', () => undefined) // EPIPE: its exit tells
  let exited = false
  let killed = false
  let killsBefore = Infinity
  void killsForMemory().then(kills => {
    killsBefore = kills
  })
  child.on('exit', () => {
    exited = true
    killGroup(child) // what it started goes with it
    // a process that left the group may hold its pipes for ever: nobody waits for that
    setTimeout(() => [stdout, stderr, from].forEach(s => (s as Readable).destroy()), DRAIN_MS)
  })
  // 'close' comes after its pipes are read to the end, so no last word is lost
  child.on('close', (code, signal) => {
    for (const end of [onStdout, onStderr]) end('\n') // also where they end no line
    const [fate, exit] = judge(code, signal, lastLines)
    const how = exit + lastWord
    const tell = (fate: Fate, text: string) => afterOutput(() => onExit(fate, text))
    // the kernel's own SIGKILL for memory looks like any other, but it is counted
    if (signal === 'SIGKILL' && !killed)
      void killsForMemory().then(kills =>
        kills > killsBefore
          ? tell('out-of-memory', 'killed by the kernel: out of memory')
          : tell(fate, how),
      )
    else tell(fate, how)
  })
  child.on('error', error => {
    if (child.pid !== undefined || exited) return
    exited = true
    onExit('crashed', `cannot be started: ${error.message}`)
  })
  return {
    pid: child.pid,
    tell: message => {
      if (exited) return
      // what is said at one moment is one write
      if (pipe.writableCorked === 0) {
        pipe.cork()
        setImmediate(() => pipe.uncork())
      }
      pipe.write(`${JSON.stringify(message)}\n`)
    },
    tail: (run, attempt) => tails.of(run, attempt),
    kill: () => {
      killed = true
      if (!exited) killGroup(child)
    },
  }
}

/**
 * What it has printed before is read by then: its streams are read in this turn of the event loop or, where they were looked at
 * before this word came, in the next.
 */
function newAfterOutput(): (act: () => void) => void {
  let told: (() => void)[] = []
  return act => {
    // what is told in one turn waits together
    if (told.push(act) > 1) return
    setImmediate(() => {
      const acts = told
      told = []
      setImmediate(() => acts.forEach(now => now()))
    })
  }
}

/** What an exit means where nobody asked for it. */
function judge(
  code: number | null,
  signal: NodeJS.Signals | null,
  output: string,
): [fate: Fate, how: string] {
  if (signal !== null) {
    const heap = /heap out of memory|Allocation failed/i.test(output)
    return [heap ? 'out-of-memory' : 'crashed', `died of ${signal}`]
  }
  return [code === 0 ? 'no-marker' : 'failed', `exit ${code ?? '?'}`]
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL') // the group is gone or was never made
  }
}
