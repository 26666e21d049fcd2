import { existsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { setPriority } from 'node:os'
import type { RunId } from '../base/ids.js'
import { HedError, isDiskFault, messageOf, unreachable } from '../base/errors.js'
import { lineSplitter, oneLine } from '../base/lines.js'
import * as layout from '../experiment/layout.js'
import { Stopped, type Progress, type Session, type Workflow } from '../experiment/workflow.js'
import { doRun } from './attempt.js'
import { roomIn } from './disk.js'
import { newLeaderEpoch, type LeaderEpoch } from './fence.js'
import { markOutput, type OutputMarks } from './output-marks.js'
import { stageData } from './stage-data.js'
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
  setPriority(NICE)
  const executor: Executor = {
    say,
    session: undefined,
    inbox: [],
    running: undefined,
    marks: markOutput([process.stdout, process.stderr]),
    leader: 0,
  }
  to.on('close', dieAtOnce)
  to.on('error', dieAtOnce)
  to.on(
    'data',
    lineSplitter(line => void perform(executor, JSON.parse(line) as ToExecutor)),
  )
  process.on('uncaughtException', error => {
    console.error(error)
    say({ type: 'dying', message: oneLine(messageOf(error)) })
    process.exit(1)
  })
  // Ctrl-C goes to the whole terminal; only the agent decides when a RUN stops
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => executor.running?.stop.abort())
}

/** To the agent, before anything else happens: it is never behind with what has ended and what runs. */
function say(message: FromExecutor): void {
  const line = `${JSON.stringify(message)}\n`
  try {
    writeFileSync(4, line)
  } catch {
    dieAtOnce()
  }
}

/** The agent is gone: nobody waits for this RUN any more, and its next attempt must meet nobody. */
function dieAtOnce(): void {
  process.kill(process.pid, 'SIGKILL')
}

interface Executor {
  readonly say: (message: FromExecutor) => void
  session: Session | undefined
  /** RUNs in hand that have not begun. */
  readonly inbox: RunTask[]
  running: Running | undefined
  readonly marks: OutputMarks
  /** Epoch of the latest leader that the agent has told of. */
  leader: number
}

type RunTask = ToExecutor & { readonly type: 'run' }

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
        await stage(executor, message)
        return
      case 'open':
        executor.session = await (await load(message.workflow)).open(message)
        executor.say({ type: 'opened' })
        return
      case 'run':
        executor.inbox.push(message)
        if (!executor.running) await work(executor)
        return
      case 'leader':
        executor.leader = message.epoch
        executor.running?.epoch.set(message.epoch)
        return
      case 'stop': {
        const { running } = executor
        if (running?.run === message.run && running.attempt === message.attempt)
          running.stop.abort()
        return
      }
      case 'withdraw': {
        const { run, attempt } = message
        const at = executor.inbox.findIndex(t => t.order.run === run && t.order.attempt === attempt)
        if (at < 0) return
        executor.inbox.splice(at, 1)
        executor.say({ type: 'withdrawn', run, attempt })
        return
      }
      default:
        unreachable(message)
    }
  } catch (error) {
    executor.say(failure(error, message.type === 'stage' ? [message.target] : []))
  }
}

/** One RUN after another, as long as there are any. */
async function work(executor: Executor): Promise<void> {
  let isFirst = true // those that wait in the inbox are tiny
  for (let task = executor.inbox.shift(); task; task = executor.inbox.shift()) {
    const { run, attempt } = task.order
    executor.marks.begin(run, attempt, isFirst)
    isFirst = false
    const stop = new AbortController()
    const epoch = newLeaderEpoch(Math.max(task.leaderEpoch, executor.leader))
    executor.running = { run, attempt, stop, epoch }
    const answer = await doTask(executor, task, epoch, stop)
    // before anybody hears that it has ended: then a SIGKILL may come
    if (existsSync(task.temporary)) await remove(task.temporary)
    executor.running = undefined
    executor.marks.end()
    executor.say(answer)
  }
}

async function doTask(
  { session, say }: Executor,
  task: RunTask,
  epoch: LeaderEpoch,
  stop: AbortController,
): Promise<FromExecutor> {
  try {
    if (!session) throw new Error('run before open')
    const finish = await doRun(session, task, epoch, stop, progress =>
      say({ type: 'progress', progress: finite(progress) }),
    )
    return { type: 'done', finish }
  } catch (error) {
    return failure(error, [layout.run(task.exp, task.order.run), task.temporary])
  }
}

/** @param folders that it writes to: where a disk takes nothing more, they are named with the room they have */
function failure(error: unknown, folders: readonly string[]): FromExecutor {
  const fate = fateOf(error)
  if (fate === 'no-disk') {
    const text = `the disk cannot be written: ${messageOf(error)}; free: ${roomIn(folders)}`
    return { type: 'ended', fate, message: oneLine(text) }
  }
  if (!(error instanceof HedError) && fate !== 'stopped') console.error(error)
  const hint = error instanceof HedError && error.hint ? ` (${error.hint})` : ''
  return { type: 'ended', fate, message: oneLine(messageOf(error) + hint) }
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
    console.error(`${folder}: ${messageOf(error)}`)
  })
}

/** A loss may be NaN or infinite, which no JSON can say. */
function finite(progress: Progress): Progress {
  return Object.fromEntries(
    Object.entries(progress).filter(([, v]) => typeof v !== 'number' || Number.isFinite(v)),
  ) as unknown as Progress
}

/** It is gone when no other node wants the data from this one. */
async function stage({ say }: Executor, task: ToExecutor & { type: 'stage' }): Promise<void> {
  const { how, over } = await stageData(await load(task.workflow), task)
  console.log(how)
  say({ type: 'staged' })
  await over
  process.exit()
}

async function load(url: string): Promise<Workflow> {
  const module = (await import(url)) as { readonly workflow?: Workflow }
  if (!module.workflow) throw new HedError('USAGE', `${url}: exports no "workflow"`)
  return module.workflow
}

function fateOf(error: unknown): Fate {
  if (error instanceof Stopped) return 'stopped'
  if (error instanceof HedError && error.kind === 'DATA') return 'bad-data'
  if (error instanceof HedError && error.kind === 'CRASHED') return 'crashed'
  if (isDiskFault(error) || (error instanceof HedError && error.kind === 'STOPPED'))
    return 'no-disk'
  if (error instanceof RangeError && /allocation failed/i.test(error.message))
    return 'out-of-memory'
  return 'failed'
}
