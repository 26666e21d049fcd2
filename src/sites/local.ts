import { spawn, type ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { lineSplitter } from '../base/lines.js'
import { newRestarts, type Mortal } from './restarts.js'

/**
 * The launcher of the `local` site: starts rank 0 and the agents on this machine, tells the leader of
 * every exit at once, and starts a dead agent again. Each child holds a pipe to us and dies with it.
 */
export interface LocalOptions {
  /** Beside the leader. */
  readonly agents: readonly Mortal[]
  /** Node that ranks are started with. */
  readonly program: string
  /** argv of a rank, without the program. */
  readonly command: (rank: number) => readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** One line that the leader wrote for people or for the live view. */
  readonly onEvent: (line: string) => void
  /** A line of a child's stderr: nothing is expected there. */
  readonly onStderr: (rank: number, text: string) => void
}

export interface Local {
  /** Ask the leader to stop: what runs is made durable. */
  stop(reason: string): void
  /** SIGKILL to all. */
  kill(): void
  /** Exit code of the leader, or the signal that it died of. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export function launchLocal(options: LocalOptions): Local {
  const agents = new Map<number, ChildProcess>()
  const mayStart = newRestarts()
  let over = false

  const leader = start(options, 0)
  const toLeader = leader.stdio[3] as Writable
  toLeader.on('error', () => undefined)
  const tell = (message: object) => {
    if (!over) toLeader.write(`${JSON.stringify(message)}\n`)
  }
  const events = leader.stdio[4] as NodeJS.ReadableStream
  events.on('data', lineSplitter(options.onEvent))

  const ended = new Promise<number | NodeJS.Signals>(resolve => {
    leader.on('close', (code, signal) => {
      over = true
      for (const agent of agents.values()) killGroup(agent)
      resolve(signal ?? code ?? 1)
    })
  })

  const startAgent = (who: Mortal) => {
    const { rank } = who
    const agent = start(options, rank)
    agents.set(rank, agent)
    agent.on('exit', (code, signal) => {
      agents.delete(rank)
      if (over) return
      const how = signal === null ? `exit ${code ?? '?'}` : `died of ${signal}`
      // one that leaves with 0 was told to, by the leader or by a SIGTERM of its own
      const again = code !== 0 && mayStart(who)
      tell({ type: 'exit', rank, pid: agent.pid, how })
      if (again) startAgent(who)
      else if (agents.size === 0) tell({ type: 'no-workers' })
    })
  }
  for (const who of options.agents) startAgent(who)

  return {
    stop: reason => tell({ type: 'stop', reason }),
    kill: () => {
      over = true
      for (const child of [...agents.values(), leader]) killGroup(child)
    },
    ended,
  }
}

function start(options: LocalOptions, rank: number): ChildProcess {
  const child = spawn(options.program, [...options.command(rank)], {
    // a group of its own: Ctrl-C in the terminal reaches us alone, and we stop the sweep in order
    detached: true,
    env: options.environment,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', rank === 0 ? 'pipe' : 'ignore'],
  })
  child.stdio[2]?.on(
    'data',
    lineSplitter(line => options.onStderr(rank, line)),
  )
  return child
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // gone already
  }
}
