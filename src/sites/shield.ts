import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { stamp } from '../base/log.js'
import * as layout from '../experiment/layout.js'
import { childEnvironment } from './detect.js'
import { newRestarts, type Mortal } from './restarts.js'

/**
 * Stands between a launcher and a rank. Launchers end a whole job, or all ranks of its node, where one of them
 * dies or exits with another status than 0: the shield starts a dead rank again and itself exits with 0 in any
 * case. The rank holds a pipe to it and dies with it.
 */
export interface ShieldOptions {
  readonly exp: string
  /** What runs them. */
  readonly program: string
  /** Ranks to start here, each with the words of its command. */
  readonly ranks: readonly (Mortal & { readonly argv: readonly string[] })[]
  readonly environment: NodeJS.ProcessEnv
  /** The leader is not started again: nobody need wait for it. */
  readonly onNoLeader: () => Promise<void>
  /** An agent has left because no leader came for long. */
  readonly onAlone: () => Promise<void>
}

/** An agent's status where no leader comes any more: EX_UNAVAILABLE. */
export const ALONE = 69
/** A rank that dies at once shall not use up its starts within a second. */
const AGAIN_MS = 500
/** Statuses by which a leader says how the sweep has ended: base/errors.ts. 1 is a bug. */
const LEADERS_WORD = new Set<number | null>([0, 2, 3, 4, 5, 6])

/** Resolves when all of its ranks have ended and none shall be started again. */
export async function shield(options: ShieldOptions): Promise<void> {
  const living = new Set<ChildProcess>()
  const mayStart = newRestarts()
  let told: NodeJS.Signals | undefined
  for (const signal of ['SIGTERM', 'SIGUSR2'] as const)
    process.on(signal, () => {
      told = signal
      for (const child of living) child.kill(signal)
    })
  process.on('SIGINT', () => undefined) // the terminal sends it to all; who launched the ranks decides
  process.on('SIGHUP', () => undefined)
  await Promise.all(options.ranks.map(keep))

  async function keep(who: ShieldOptions['ranks'][number]): Promise<void> {
    const { rank, argv } = who
    for (;;) {
      const how = await life(argv)
      if (rank === 0 ? LEADERS_WORD.has(how.code) : how.code === 0) return
      if (how.code === ALONE) return options.onAlone()
      const again = told === undefined && mayStart(who)
      noteOfRank(
        options.exp,
        rank,
        `${how.text}; ${again ? 'it is started again' : 'it is not started again'}`,
      )
      if (!again) {
        // told to end: whoever did so ends the others, too
        if (rank === 0 && told === undefined) await options.onNoLeader()
        return
      }
      await new Promise(done => setTimeout(done, AGAIN_MS))
    }
  }

  function life(argv: readonly string[]): Promise<{ code: number | null; text: string }> {
    return new Promise(resolve => {
      const child = spawn(options.program, [...argv], {
        env: options.environment,
        stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'ignore'],
      })
      living.add(child)
      const end = (code: number | null, text: string) => {
        living.delete(child)
        resolve({ code, text })
      }
      child.on('error', error => end(1, error.message))
      child.on('exit', (code, signal) =>
        end(code, signal === null ? `ended with ${code}` : `died of ${signal}`),
      )
      if (told) child.kill(told)
    })
  }
}

/** A line about a rank, into its log and for whoever started the ranks. */
export function noteOfRank(exp: string, rank: number, what: string): void {
  const text = `rank ${rank} on ${hostname()} ${what}`
  console.error(`upf-heds: ${text}`)
  try {
    appendFileSync(layout.out(exp, rank), `${stamp()} ${text}\n`)
  } catch {
    // a log that cannot be written is no reason to lose the rank
  }
}

/** Another process of use to the ranks, at most for as long as this one lives. Started once: they can do without it. */
export function startBeside(
  program: string,
  argv: readonly string[],
  onEnd: () => Promise<void>,
): void {
  const child = spawn(program, [...argv], {
    env: childEnvironment(process.env),
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const tell = (error: Error) => console.error(`upf-heds: ${error.message}`)
  child.on('error', tell)
  child.on('close', () => void onEnd().catch(tell))
  child.unref()
}
