import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { unreachable } from '../base/errors.js'
import * as layout from '../experiment/layout.js'
import { stagedPath } from '../stage/node-local.js'
import { hello, isBeatNear, onBeat, onLeader, onNewLeader, onStop, onTick } from './agent.js'
import type { AgentOptions } from './agent-options.js'
import { newAgent, STAGER, type Agent, type AgentEffect } from './agent-state.js'
import { onExecutor, onExecutorExit, onMemory } from './executor-events.js'
import { spawnExecutor, type ExecutorHost } from './executor-host.js'
import { instruction } from './instruction.js'
import { watchLag } from './lag.js'
import { memoryUsed } from './memory.js'
import { newMonitors } from './monitor.js'
import { newOutbox } from './outbox.js'
import { encodeHead, parseToAgent, type FromAgent } from './protocol.js'
import { recordError } from './record-error.js'
import type { RankLog } from './rank-log.js'
import { byReach, readKeys, readRendezvous, type Rendezvous } from './rendezvous.js'
import { newRest } from './rest.js'
import { connect } from './socket.js'
import { ownTemporary } from './temporary.js'

const GRACE_SECONDS = 60 // a checkpoint of 135 MB on a busy disk; larger delays the end of a stopped sweep
const HUNG_GRACE_SECONDS = 10 // it has shown no sign of life for long
const TICK_MS = 1000
/** Between two looks at the loop's lag, in ms: some between two beats. */
const lagMs = (beat: number) => Math.min(1000, beat * 250)
/** Answers of a slot that has more to do wait this long for others: well below what it has in hand. */
const ANSWER_MS = 5

/** One life: from hello to bye, or to the end of the lease. Performs the effects of agent.ts and decides nothing. */
export async function live(
  options: AgentOptions,
  first: Rendezvous,
  log: RankLog,
  hosts: Map<number, ExecutorHost>,
): Promise<{ readonly again: boolean; readonly welcomed: boolean }> {
  const { exp, rank } = options
  const { TMP_ROOT, LEASE } = exp.settings
  const nonce = randomBytes(4).toString('hex')
  const now = () => performance.now() / 1000
  const host = hostname()
  const lag = watchLag(lagMs(LEASE[0]))
  const agent: Agent = newAgent(
    {
      rank,
      host,
      node: `${host}:${userInfo().uid}`,
      pid: process.pid,
      slots: options.slots,
      beat: LEASE[0],
      lost: LEASE[2],
      grace: GRACE_SECONDS,
      hungGrace: HUNG_GRACE_SECONDS,
      openLimit: 3,
    },
    now(),
  )
  const engine = layout.engine(exp.path)
  const keys = await readKeys(engine)
  const temporary = await ownTemporary(join(TMP_ROOT, exp.id))
  const data = stagedPath(TMP_ROOT, exp.data.digest, options.workflow)
  const rest = newRest()
  const monitors = newMonitors(
    exp.path,
    slot => agent.slots[slot]?.order,
    slot => hosts.get(slot)?.pid,
  )
  let leader = first
  let writing: Promise<void> | undefined
  let exit: (again: boolean) => void = () => undefined
  const exited = new Promise<boolean>(resolve => {
    exit = resolve
  })

  const dial = () => {
    const { epoch } = leader
    const socket = connect(keys, byReach(leader), `${rank}-${nonce}`, frame => {
      const message = parseToAgent(frame)
      if (message?.exp !== exp.id || message.epoch !== epoch || epoch !== leader.epoch) return
      for (const body of message.bodies) perform(onLeader(agent, body, now()))
    })
    const head = encodeHead({ exp: exp.id, epoch, nonce })
    return { socket, outbox: newOutbox(head, ANSWER_MS, (_, frame) => socket.send(frame)) }
  }
  let line = dial()

  function perform(effects: readonly AgentEffect[]): void {
    for (const effect of effects) performOne(effect)
  }

  function performOne(effect: AgentEffect): void {
    switch (effect.do) {
      case 'send':
        send(effect.message, effect.lazy)
        return
      case 'spawn':
        start(effect.slot)
        return
      case 'tell':
        hosts.get(effect.slot)?.tell(instruction(effect.message, options, data, leader.epoch))
        return
      case 'stop':
      case 'withdraw': {
        const { do: type, run, attempt } = effect
        hosts.get(effect.slot)?.tell({ type, run, attempt })
        return
      }
      case 'order':
        log.line(`${effect.order.run} attempt ${effect.order.attempt} to slot ${effect.slot}`)
        hosts.get(effect.slot)?.tell({
          type: 'run',
          order: effect.order,
          exp: exp.path,
          leaderEpoch: leader.epoch,
          nonce,
          rank,
          host,
          tile: options.tile + effect.slot,
          temporary: temporary.next(effect.slot, effect.order),
          data: exp.data.digest,
        })
        monitors.follow(effect.slot)
        return
      case 'kill':
        hosts.get(effect.slot)?.kill()
        return
      case 'record': {
        const before = writing ?? Promise.resolve()
        const tail = hosts.get(effect.slot)?.tail(effect.run, effect.attempt) ?? []
        const mine = before.then(() => recordError(exp.path, effect, tail, log))
        writing = mine
        void mine.then(() => {
          if (writing === mine) writing = undefined
        })
        return
      }
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
  function send(message: FromAgent, lazy = false): void {
    const body = JSON.stringify(message)
    if (!writing || message.type === 'beat') line.outbox.post('', body, lazy)
    else writing = writing.then(() => line.outbox.post('', body))
  }

  function start(slot: number): void {
    const tile = options.tile + Math.max(0, slot)
    const command = {
      ...{ exp: exp.path, environment: options.environment(tile) },
      before: options.before?.(tile) ?? [],
    }
    const executor = spawnExecutor(command, {
      onMessage: message => {
        if (isBeatNear(agent, now())) beat()
        perform(onExecutor(agent, slot, message, now()))
        monitors.follow(slot)
        if (agent.slots[slot]?.ahead.length) rest() // it works through tiny RUNs
      },
      onOutput: text => log.line(text),
      onExit: (fate, how) => {
        if (slot !== STAGER) log.line(`executor of slot ${slot}: ${how}`)
        temporary.left(slot)
        if (slot === STAGER && hosts.get(slot) !== executor) return // one that fed other nodes
        perform(onExecutorExit(agent, slot, fate, how)) // asks for its last lines
        monitors.follow(slot)
        if (hosts.get(slot) === executor) hosts.delete(slot)
      },
    })
    hosts.set(slot, executor)
  }

  /** Silence: the connection may be dead without a word. Not all agents at once. */
  let dialled = now()
  let silence = LEASE[1]
  function redial(): void {
    // of several addresses the first may lead nowhere
    const patience = agent.welcomed || leader.addresses.length < 2 ? silence : 2 * LEASE[0]
    if (now() - Math.max(agent.heard, dialled) < patience) return
    dialled = now()
    silence = LEASE[1] * (1 + Math.random() / 2)
    line.socket.redial()
  }

  /** Or perhaps there is another leader by now. */
  let looking = false
  async function lookForLeader(): Promise<void> {
    if (looking || now() - agent.heard < 2.5 * LEASE[0]) return
    looking = true
    const found = await readRendezvous(engine).catch(() => undefined)
    looking = false
    if (agent.over || !found) return
    if (found.over && found.epoch >= leader.epoch) {
      log.line('the leader has ended; its last words did not come')
      exit(false)
    }
    if (found.epoch <= leader.epoch || found.over) return
    log.line(`leader epoch ${found.epoch} has taken over from ${leader.epoch}`)
    const { socket } = line
    leader = found
    line = dial()
    void socket.close()
    perform(onNewLeader(agent, now()))
  }

  const ticks = setInterval(() => {
    perform(onTick(agent, now()))
    for (const { id, order } of agent.slots) {
      const pid = hosts.get(id)?.pid
      if (order && order.memory > 0 && pid !== undefined)
        void memoryUsed(pid).then(mb => perform(onMemory(agent, id, mb, now())))
    }
  }, TICK_MS)
  const beats = setInterval(beat, LEASE[0] * 1000)
  function beat(): void {
    const health = { lagP99: lag.p99(), lagMax: lag.max(), rss: process.memoryUsage.rss() }
    lag.reset()
    perform(onBeat(agent, health, now()))
    beats.refresh()
  }
  const looks = setInterval(() => {
    redial()
    void lookForLeader()
  }, LEASE[0] * 1000)
  const stop = () => perform(onStop(agent, 'stopped', now()))
  process.on('SIGTERM', stop)
  process.on('SIGUSR2', stop)

  log.line(`rank ${rank} on ${host}, process ${process.pid}, leader epoch ${leader.epoch}`)
  perform(hello(agent))
  const again = await exited
  for (const timer of [ticks, beats, looks]) clearInterval(timer)
  monitors.stop()
  process.off('SIGTERM', stop)
  process.off('SIGUSR2', stop)
  lag.stop()
  await writing
  line.outbox.flush()
  await line.socket.close()
  return { again, welcomed: agent.welcomed }
}
