import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { unreachable } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import type { Experiment } from '../experiment/exp.js'
import * as layout from '../experiment/layout.js'
import { stagedPath } from '../stage/node-local.js'
import { hello, onExecutor, onExecutorExit, onLeader, onStop, onTick, unsaid } from './agent.js'
import { newAgent, STAGER, type AgentEffect } from './agent-state.js'
import { spawnExecutor, type ExecutorHost } from './executor-host.js'
import type { ToExecutor } from './executor-protocol.js'
import { holdLifeline } from './lifeline.js'
import { encode, parseToAgent, type FromAgent } from './protocol.js'
import { openRankLog } from './rank-log.js'
import { awaitRendezvous, readKeys } from './rendezvous.js'
import { connect } from './socket.js'

export interface AgentOptions {
  readonly exp: Experiment
  readonly rank: number
  /** URL of the workflow's module, its name and the version of its node-local form. */
  readonly workflow: { readonly url: string; readonly name: string; readonly stageVersion: number }
  /** Wait for a leader of at least this epoch. */
  readonly epoch: number
  readonly lifeline: boolean
  /** Variables a child must not see: the launcher's rank variables, proxies. */
  readonly environment: NodeJS.ProcessEnv
}

const GRACE_SECONDS = 60 // a checkpoint of 135 MB on a busy disk; larger delays the end of a stopped sweep
const TICK_MS = 500
/** EX_TEMPFAIL: our own launcher starts the rank again. */
const RESTART_ME = 75

/** Run an agent to its end. It performs the effects of agent.ts and decides nothing. */
export async function agentMain(options: AgentOptions): Promise<number> {
  const { exp, rank } = options
  const { THREADS: threads, BACKEND, TMP_ROOT, LEASE } = exp.settings
  const nonce = randomBytes(4).toString('hex')
  const log = openRankLog(layout.out(exp.path, rank))
  const hosts = new Map<number, ExecutorHost>()
  if (options.lifeline)
    holdLifeline(
      () => hosts.forEach(host => host.kill()),
      () => undefined,
    )
  const now = () => performance.now() / 1000
  const lag = monitorEventLoopDelay({ resolution: 10 })
  lag.enable()

  const agent = newAgent(
    {
      rank,
      host: hostname(),
      node: `${hostname()}:${userInfo().uid}`,
      pid: process.pid,
      slots: 1,
      lost: LEASE[2],
      grace: GRACE_SECONDS,
      openLimit: 3,
    },
    now(),
  )
  const leader = await awaitRendezvous(layout.engine(exp.path), options.epoch)
  const keys = await readKeys(layout.engine(exp.path))
  const envelope = { exp: exp.id, epoch: leader.epoch, nonce }
  const data = stagedPath(TMP_ROOT, exp.data.digest, options.workflow)
  let writing: Promise<void> = Promise.resolve()
  let exit: (again: boolean) => void = () => undefined
  const exited = new Promise<boolean>(resolve => {
    exit = resolve
  })

  const socket = connect(
    { client: keys.client, serverKey: keys.server.publicKey },
    leader.addresses,
    `${rank}-${nonce}`,
    frame => {
      const message = parseToAgent(frame)
      if (message && message.exp === exp.id && message.epoch === leader.epoch)
        perform(onLeader(agent, message.body, now()))
    },
  )

  function perform(effects: readonly AgentEffect[]): void {
    for (const effect of effects) performOne(effect)
  }

  function performOne(effect: AgentEffect): void {
    switch (effect.do) {
      case 'send':
        send(effect.message)
        return
      case 'spawn':
        start(effect.slot)
        return
      case 'tell':
        hosts.get(effect.slot)?.tell(instruction(effect.message))
        return
      case 'order':
        log.line(`${effect.order.run} attempt ${effect.order.attempt} begins`)
        hosts.get(effect.slot)?.tell({
          type: 'run',
          order: effect.order,
          exp: exp.path,
          leaderEpoch: leader.epoch,
          nonce,
          rank,
          host: hostname(),
          tile: effect.slot,
          temporary: join(TMP_ROOT, exp.id, effect.order.run),
          data: exp.data.digest,
        })
        return
      case 'kill':
        hosts.get(effect.slot)?.kill()
        return
      case 'record':
        writing = writing.then(() => recordError(effect))
        return
      case 'log':
        log.line(effect.text)
        return
      case 'exit':
        exit(effect.again)
        return
      default:
        unreachable(effect)
    }
  }

  /** In order, and no answer before its error.json is written; a beat waits for no disk. */
  function send(message: FromAgent): void {
    const frame = encode(envelope, message)
    if (message.type === 'beat') socket.send(frame)
    else writing = writing.then(() => socket.send(frame))
  }

  function start(slot: number): void {
    const host = spawnExecutor(options.environment, {
      onMessage: message => {
        perform(onExecutor(agent, slot, message))
      },
      onOutput: line => log.line(line),
      onExit: (fate, how) => {
        if (hosts.get(slot) === host) hosts.delete(slot)
        if (slot !== STAGER) log.line(`executor of slot ${slot}: ${how}`)
        perform(onExecutorExit(agent, slot, fate, how))
      },
    })
    hosts.set(slot, host)
  }

  function instruction(type: 'stage' | 'open' | 'stop'): ToExecutor {
    const workflow = options.workflow.url
    switch (type) {
      case 'stage':
        return {
          type,
          workflow,
          dataSource: exp.settings.DATA_SOURCE,
          digest: exp.data.digest,
          target: data,
        }
      case 'open':
        return { type, workflow, data, threads, backend: BACKEND }
      case 'stop':
        return { type }
    }
  }

  async function recordError(effect: AgentEffect & { do: 'record' }): Promise<void> {
    const { run, attempt, fate, message } = effect
    const text = JSON.stringify({ run, attempt, fate, message, log: log.tail() }, null, 2)
    log.line(`${run} attempt ${attempt}: ${fate}: ${message}`)
    await writeAtomic(layout.error(exp.path, run), `${text}\n`).catch((error: unknown) => {
      log.line(`error.json of ${run} cannot be written: ${String(error)}`)
    })
  }

  const ticks = setInterval(() => {
    perform(onTick(agent, now()))
  }, TICK_MS)
  const beats = setInterval(() => {
    const health = {
      lagP99: lag.percentile(99) / 1e6,
      lagMax: lag.max / 1e6,
      rss: process.memoryUsage.rss(),
    }
    lag.reset()
    perform([{ do: 'send', message: { type: 'beat', health } }, ...unsaid(agent)])
  }, LEASE[0] * 1000)
  const stop = () => {
    perform(onStop(agent, 'stopped', now()))
    perform(onTick(agent, now()))
  }
  process.on('SIGTERM', stop)
  process.on('SIGUSR2', stop)
  process.on('SIGINT', () => undefined) // the terminal sends it to all; the leader decides

  log.line(`rank ${rank} on ${hostname()}, process ${process.pid}, leader epoch ${leader.epoch}`)
  perform(hello(agent))
  const again = await exited
  clearInterval(ticks)
  clearInterval(beats)
  for (const host of hosts.values()) host.kill()
  await writing
  await socket.close()
  await log.close()
  // a launcher such as mpiexec would end the job at a status other than 0
  return again && options.lifeline ? RESTART_ME : 0
}
