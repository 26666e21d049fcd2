import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { lineSplitter, oneLine } from '../../base/lines.js'
import type { TrialMessage } from './trial-process.js'

const PROGRAM = fileURLToPath(new URL('./trial-process.js', import.meta.url))

/** A trial that says nothing for so long hangs, in seconds: loading from a disk that many nodes share takes minutes. */
const SILENCE_S = 300

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How a backend does here. */
export interface Trial {
  readonly name: string
  readonly loads: boolean
  /** Name and version. */
  readonly library: string | null
  /** Null where it does not load. */
  readonly selfTest: 'ok' | 'failed' | null
  /** Training full Uno at batch 512. */
  readonly samplesPerSecond: number | null
  /** One line: why it does not load, what is wrong with it, or why it has no speed. */
  readonly problem: string | null
}

/** Load, self-test and time a backend in a process of its own, which may crash or hang. */
export async function tryBackend(name: string, threads: number): Promise<Trial> {
  const said = await listen(['try', name, String(threads)])
  const of = <T extends TrialMessage['type']>(type: T) =>
    said.find((message): message is TrialMessage & { type: T } => message.type === type)
  const loads = of('loaded') !== undefined
  return {
    name,
    loads,
    library: of('library')?.library ?? null,
    selfTest: loads ? (of('passed') ? 'ok' : 'failed') : null,
    samplesPerSecond: of('speed')?.samplesPerSecond ?? null,
    problem: of('problem')?.problem ?? null,
  }
}

/** What is taken, or why nothing is. */
export type Choice =
  | { readonly name: string; readonly why: string }
  | { readonly problem: string; readonly hint?: string }

/** What `chooseBackend` says, asked in a process of its own: it loads libraries too. */
export async function askChoice(wanted: string): Promise<Choice> {
  const [answer] = await listen(['choose', wanted])
  if (answer?.type === 'choice') return { name: answer.name, why: answer.why }
  if (answer?.type !== 'problem') throw new Error('a trial that said nothing')
  const { problem, hint } = answer
  return hint === undefined ? { problem: `choosing a backend ${problem}` } : { problem, hint }
}

/**
 * Run a trial to its end, or kill it with all it started.
 *
 * @param program speaks as trial-process.ts
 * @returns what it said; a last `problem` tells of a death that nobody asked for
 */
export function listen(
  args: readonly string[],
  { program = PROGRAM, silence = SILENCE_S } = {},
): Promise<readonly TrialMessage[]> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true, // a group, so that what it starts ends with it
    })
    const said: TrialMessage[] = []
    let lastLine = ''
    let hung = false
    const kill = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // the group is gone
      }
    }
    const onSignal = (signal: NodeJS.Signals) => {
      kill()
      process.kill(process.pid, signal) // now without this handler
    }
    const wait = () =>
      setTimeout(() => {
        hung = true
        kill()
      }, silence * 1000)
    let timer = wait()
    for (const signal of SIGNALS) process.once(signal, onSignal)
    child.on('message', message => {
      said.push(message as TrialMessage)
      clearTimeout(timer)
      timer = wait()
    })
    child.stderr!.on(
      'data',
      lineSplitter(line => (lastLine = line)),
    )
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      kill()
      for (const each of SIGNALS) process.off(each, onSignal)
      if (code === 0) return
      const how = signal === null ? `ends with status ${code ?? '?'}` : `crashes: ${signal}`
      const words = hung ? `hangs: nothing for ${silence} s` : [how, lastLine].join(' ').trim()
      said.push({ type: 'problem', problem: oneLine(words) })
    })
    // what it said is read to the end
    void Promise.all([once(child, 'close'), once(child, 'disconnect')]).then(() => resolve(said))
  })
}
