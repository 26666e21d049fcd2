import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import type { RunId } from '../base/ids.js'
import { HedError, messageOf, unreachable } from '../base/errors.js'
import { lineSplitter } from '../base/lines.js'
import { dataDigest } from '../experiment/digest.js'
import { Stopped, type Progress, type Session, type Workflow } from '../experiment/workflow.js'
import { privateDirectory, stageOnce } from '../stage/node-local.js'
import { doRun } from './attempt.js'
import { newLeaderEpoch, type LeaderEpoch } from './fence.js'
import type { FromExecutor, ToExecutor } from './executor-protocol.js'
import type { Fate } from '../experiment/fate.js'

/** Below the agent, so that heartbeats are never late because an executor computes. */
const NICE = 5

/**
 * The executor: a child of an agent, kept for many RUNs. It loads workflow, data and backend once.
 * It may crash, hang or be killed; the agent tells the leader how it ended and starts another.
 */
export function executorMain(): void {
  const to = new Socket({ fd: 3, readable: true, writable: false })
  const from = new Socket({ fd: 4, readable: false, writable: true })
  setPriority(NICE)
  const executor: Executor = {
    say: message => from.write(`${JSON.stringify(message)}\n`),
    session: undefined,
    running: undefined,
  }
  // the agent is gone: nobody waits for this RUN any more, and its next attempt must meet nobody
  to.on('close', () => process.kill(process.pid, 'SIGKILL'))
  to.on('error', () => process.kill(process.pid, 'SIGKILL'))
  from.on('error', () => process.kill(process.pid, 'SIGKILL'))
  to.on(
    'data',
    lineSplitter(line => void perform(executor, JSON.parse(line) as ToExecutor)),
  )
  // Ctrl-C goes to the whole terminal; only the agent decides when a RUN stops
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => executor.running?.stop.abort())
}

interface Executor {
  readonly say: (message: FromExecutor) => void
  session: Session | undefined
  running: Running | undefined
}

interface Running {
  readonly run: RunId
  readonly attempt: number
  /** Abort it to stop the RUN. */
  readonly stop: AbortController
  readonly epoch: LeaderEpoch
}

async function perform(executor: Executor, message: ToExecutor): Promise<void> {
  try {
    switch (message.type) {
      case 'stage':
        await stage(message)
        executor.say({ type: 'staged' })
        return
      case 'open':
        executor.session = await (await load(message.workflow)).open(message)
        executor.say({ type: 'opened' })
        return
      case 'run': {
        if (!executor.session) throw new Error('run before open')
        const { run, attempt } = message.order
        const stop = new AbortController()
        const epoch = newLeaderEpoch(message.leaderEpoch)
        executor.running = { run, attempt, stop, epoch }
        const finish = await doRun(executor.session, message, epoch, stop.signal, progress =>
          executor.say({ type: 'progress', progress: finite(progress) }),
        )
        await endRun(executor, message)
        executor.say({ type: 'done', finish })
        return
      }
      case 'leader':
        executor.running?.epoch.set(message.epoch)
        return
      case 'stop': {
        const { running } = executor
        if (running?.run === message.run && running.attempt === message.attempt)
          running.stop.abort()
        return
      }
      default:
        unreachable(message)
    }
  } catch (error) {
    const fate = fateOf(error)
    if (!(error instanceof HedError) && fate !== 'stopped') console.error(error)
    const hint = error instanceof HedError && error.hint ? ` (${error.hint})` : ''
    if (message.type === 'run') await endRun(executor, message)
    executor.say({ type: 'ended', fate, message: messageOf(error) + hint })
  }
}

/** Before anybody hears that it has ended: then the next RUN may come, or a SIGKILL. */
async function endRun(executor: Executor, { temporary }: ToExecutor & { type: 'run' }) {
  executor.running = undefined
  if (!existsSync(temporary)) return
  await rm(temporary, { recursive: true, force: true }).catch((error: unknown) => {
    console.error(`${temporary}: ${messageOf(error)}`)
  })
}

/** A loss may be NaN or infinite, which no JSON can say. */
function finite(progress: Progress): Progress {
  return Object.fromEntries(
    Object.entries(progress).filter(([, v]) => typeof v !== 'number' || Number.isFinite(v)),
  ) as unknown as Progress
}

async function stage(message: ToExecutor & { type: 'stage' }): Promise<void> {
  const workflow = await load(message.workflow)
  await privateDirectory(dirname(message.target))
  const how = await stageOnce(
    message.target,
    directory => workflow.verify(directory),
    async directory => {
      const found = await dataDigest(message.dataSource, workflow.files)
      if (found.digest !== message.digest)
        throw new HedError(
          'DATA',
          `${message.dataSource}: the data is not what this EXP began with`,
          {
            hint: 'Put the files back, or start a new EXP.',
          },
        )
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await workflow.stage(message.dataSource, directory)
    },
  )
  console.log(`data ${how} in ${message.target}`)
}

async function load(url: string): Promise<Workflow> {
  const module = (await import(url)) as { readonly workflow?: Workflow }
  if (!module.workflow) throw new HedError('USAGE', `${url}: exports no "workflow"`)
  return module.workflow
}

function fateOf(error: unknown): Fate {
  if (error instanceof Stopped) return 'stopped'
  if (error instanceof HedError && error.kind === 'DATA') return 'bad-data'
  if (error instanceof RangeError && /allocation failed/i.test(error.message))
    return 'out-of-memory'
  return 'failed'
}
