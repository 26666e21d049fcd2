import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HedError } from '../base/errors.js'
import { readIfThere, writeAtomicSync } from '../base/files.js'
import { lineSplitter } from '../base/lines.js'
import { requireProgram } from '../engine/alert.js'
import type { Experiment, Settings } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { childEnvironment } from '../sites/detect.js'
import { hostsOf } from '../sites/hosts.js'
import { prologueLines, words } from '../sites/job-script.js'
import { launchCalls, programOf, type Call } from '../sites/launchers.js'

const BIN = fileURLToPath(new URL('./bin.js', import.meta.url))
/** Variables that name a site's libraries: ranks must see them too. */
export const OURS = ['UPF_HEDS_PYTHON', 'UPF_HEDS_BLAS', 'UPF_HEDS_TFJS']
/** What a launcher of MPI programs takes along by name only. */
const SEEN = ['PATH', 'LD_LIBRARY_PATH', 'UPF_HEDS_JOB_END', ...OURS]

/** What is called to start the ranks of a sweep that is not made: for people. */
export function showCalls(settings: Settings): string {
  const exp = join(settings.CANDLE_DATA_DIR, 'EXP000')
  return callsOf(settings, exp, 1)
    .map(({ argv }) => `${words(argv)}\n`)
    .join('')
}

/** What this machine must have to start ranks elsewhere: asked before an EXP is made. @throws HedError USAGE */
export function requireLauncher(settings: Settings): void {
  if (settings.LAUNCHER === '') return
  callsOf(settings, '', 1)
  const program = programOf(settings.LAUNCHER)
  try {
    requireProgram(program)
  } catch {
    const text = `LAUNCHER is "${settings.LAUNCHER}", but ${program} is not on this machine`
    throw new HedError('USAGE', text, { hint: 'Load its module, or name another as --launcher.' })
  }
}

/** The ranks of a sweep on the hosts that they were launched on. */
export interface Launched {
  /** Ask the leader to stop: what runs is made durable. */
  stop(reason: string): void
  kill(): void
  /** When no call of the launcher is left. */
  readonly ended: Promise<void>
}

/** When the leader has ended, the launchers of hosts that are lost may never do. */
const LEAVE_MS = 10_000
/** For the last words of a launcher. */
const DRAIN_MS = 500
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 3_000

/**
 * Start the ranks of an EXP through its launcher.
 * @param onNote a line for people
 */
export function launchOnHosts(
  exp: Experiment,
  epoch: number,
  onNote: (text: string) => void,
): Launched {
  const living = new Map<Call, ChildProcess>()
  const stop = (reason: string) =>
    writeAtomicSync(layout.stopFile(exp.path), `${reason.replaceAll('\n', ' ')}\n`)
  const end = () => {
    for (const child of living.values()) child.kill('SIGTERM')
    setTimeout(() => {
      for (const child of living.values()) child.kill('SIGKILL')
    }, GRACE_MS).unref()
  }
  const calls = callsOf(exp.settings, exp.path, epoch)
  const [first] = calls
  const hasWord = () => readIfThere(layout.status(exp.path)) !== undefined
  const onExit = (call: Call, how: string) => {
    living.delete(call)
    // the leader has gone: nobody serves the others any more
    if (call === first) setTimeout(end, hasWord() ? LEAVE_MS : 0).unref()
    else if (!hasWord()) {
      onNote(`${call.host}: ${how}; what ran there runs elsewhere`)
      const isAlone = exp.settings.PPN === 1 && living.size === 1
      if (isAlone && living.has(first!)) stop('no worker is left')
    }
  }
  const each = calls.map(
    call =>
      new Promise<void>(resolve => {
        const [program, ...args] = call.argv
        const child = spawn(program, args, {
          // a group of its own: Ctrl-C in the terminal reaches us alone, and we stop the sweep in order
          detached: true,
          env: childEnvironment(process.env),
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        living.set(call, child)
        const note = (text: string) =>
          text.trim() !== '' && onNote(call.host === undefined ? text : `${call.host}: ${text}`)
        for (const stream of [child.stdout, child.stderr]) stream.on('data', lineSplitter(note))
        let over = false
        const ended = (how: string) => {
          if (!over) onExit(call, how)
          over = true
          resolve()
        }
        child.on('error', error => ended(error.message))
        child.on('exit', (code, signal) => {
          // what it has started to reach a host that is lost may hold its pipes for ever
          setTimeout(() => [child.stdout, child.stderr].forEach(s => s.destroy()), DRAIN_MS)
          ended(signal === null ? `${program} ended with ${code ?? '?'}` : `${program}: ${signal}`)
        })
      }),
  )
  return { stop, kill: end, ended: Promise.all(each).then(() => undefined) }
}

/**
 * The ranks of a job whose launcher is called for each host: what job.sh starts, in the job.
 * @returns 0; status.json says how the sweep has ended
 */
export async function launchMain(exp: Experiment, epoch: number): Promise<number> {
  const ranks = launchOnHosts(exp, epoch, text => console.error(text))
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const) process.on(signal, () => ranks.stop(signal))
  await ranks.ended
  return 0
}

function callsOf(settings: Settings, exp: string, epoch: number): Call[] {
  const rank = [process.execPath, BIN, 'rank', '--shield', '--exp', exp, '--epoch', String(epoch)]
  // what the job script reads on batch sites, a rank reads here
  const lines = prologueLines(settings)
  const command =
    lines.length > 0 ? ['bash', '-lc', `${lines.join('; ')}; exec "$0" "$@"`, ...rank] : rank
  const seen = SEEN.filter(name => (process.env[name] ?? '') !== '')
  return launchCalls(settings, hostsOf(settings.HOSTS, process.env), command, seen)
}
