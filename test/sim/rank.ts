import {
  hello,
  isBeatNear,
  onBeat,
  onLeader,
  onNewLeader,
  onStop,
  onTick,
} from '../../src/engine/agent.js'
import { newAgent, STAGER, type Agent, type AgentEffect } from '../../src/engine/agent-state.js'
import { onExecutor, onExecutorExit, onMemory } from '../../src/engine/executor-events.js'
import type { FromAgent, ToAgent } from '../../src/engine/protocol.js'
import { SimExecutor } from './executor.js'
import { Link, Path } from './network.js'
import { Outbox } from './outbox.js'
import { Process } from './process.js'
import type { World } from './world.js'

const TICK = 1
const ANSWER = 0.005
const LEASES_ALONE = 5
const TIMES = { grace: 60, hungGrace: 10, openLimit: 3 }
const HEALTH = { lagP99: 0, lagMax: 0, rss: 0 }

interface Life {
  readonly id: string
  readonly agent: Agent
  /** Epoch of the leader it talks to. */
  epoch: number
  link: Link
  outbox: Outbox<FromAgent>
  looking: boolean
  /** Until then answers wait for error.json. */
  writtenAt: number
}

/** The process of one rank, as src/engine/agent-main.ts: one life after another. */
export class SimRank {
  readonly process: Process
  readonly pid: number
  readonly rank: number
  readonly node: number
  readonly path: Path
  readonly hosts = new Map<number, SimExecutor>()
  life: Life | undefined
  private readonly world: World
  private readonly firstEpoch: number
  private alone = 0

  constructor(world: World, rank: number, path: Path, firstEpoch: number) {
    this.world = world
    this.rank = rank
    this.node = Math.floor(rank / world.scenario.perNode)
    this.path = path
    this.firstEpoch = firstEpoch
    this.pid = world.number()
    this.process = new Process(world.clock, world.random)
    this.wait(0.02, world.clock.now + world.scenario.lease[2])
  }

  /** SIGKILL, or it ends by itself. Its executors see the pipe close. */
  kill(how = 'died of SIGKILL'): void {
    if (!this.process.alive) return
    this.process.kill()
    this.world.checks.excuse(this.life?.id)
    for (const host of this.hosts.values()) host.orphan()
    this.world.onRankGone(this, how)
  }

  /** SIGTERM. */
  terminate(): void {
    this.process.input(() => {
      const { life } = this
      if (life) this.perform(life, onStop(life.agent, 'stopped', this.world.clock.now))
    })
  }

  /** As awaitRendezvous. */
  private wait(seconds: number, end: number): void {
    const { world } = this
    this.process.after(world.disk.latency(), () => {
      const { rendezvous } = world.disk
      if (rendezvous > 0 && rendezvous >= this.firstEpoch) this.live(rendezvous)
      else if (world.clock.now >= end) this.ended(true, false)
      else
        this.process.after(seconds * world.random.between(0.5, 1.5), () =>
          this.wait(Math.min(1, seconds * 1.5), end),
        )
    })
  }

  private live(epoch: number): void {
    const { world, rank, node, pid } = this
    const { slots, lease } = world.scenario
    const host = `h${node}`
    const agent = newAgent(
      { rank, host, node: host, pid, slots, beat: lease[0], lost: lease[2], ...TIMES },
      world.clock.now,
    )
    const id = `${rank}-${world.number()}`
    const life: Life = {
      ...{ id, agent, epoch, looking: false, writtenAt: 0 },
      ...this.dial(id, epoch, () => life),
    }
    this.life = life
    if (this.path.isHaunted) world.checks.excuse(id)
    this.every(life, TICK, () => this.tick(life))
    this.beats(life)
    this.every(life, lease[0], () => this.look(life))
    this.perform(life, hello(agent))
  }

  private dial(id: string, epoch: number, life: () => Life): Pick<Life, 'link' | 'outbox'> {
    const { world } = this
    const link = new Link(world.network, this.path, {
      exp: 'sim',
      epoch,
      nonce: id.slice(id.indexOf('-') + 1),
    })
    world.leaders.get(epoch)?.connect(id, link, bodies => {
      if (life().epoch !== epoch) return
      this.process.input(() => {
        for (const body of bodies) this.hear(life(), body)
      })
    })
    const outbox = new Outbox<FromAgent>(this.process, ANSWER, (_, bodies) =>
      link.up(bodies, arrived => world.leaders.get(epoch)?.receive(id, arrived)),
    )
    return { link, outbox }
  }

  private hear(life: Life, body: ToAgent): void {
    if (life !== this.life) return
    const { world } = this
    if (body.type === 'ack') world.checks.acked(life.id, life.epoch, life.agent, body)
    world.note(() => `${life.id} hears ${JSON.stringify(body)}`)
    this.perform(life, onLeader(life.agent, body, world.clock.now))
  }

  private tick(life: Life): void {
    const { now } = this.world.clock
    this.perform(life, onTick(life.agent, now))
    for (const { id, order } of life.agent.slots) {
      if (!order || order.memory <= 0) continue
      const memory = this.hosts.get(id)?.memory ?? 0
      this.perform(life, onMemory(life.agent, id, memory, now))
    }
    this.world.checks.agent(life.agent)
  }

  /** As lookForLeader. */
  private look(life: Life): void {
    const { world } = this
    if (life.looking || world.clock.now - life.agent.heard < 2.5 * world.scenario.lease[0]) return
    life.looking = true
    this.process.after(world.disk.latency(), () => {
      life.looking = false
      const { rendezvous } = world.disk
      if (life !== this.life || rendezvous <= life.epoch) return
      life.epoch = rendezvous
      Object.assign(
        life,
        this.dial(life.id, rendezvous, () => life),
      )
      this.perform(life, onNewLeader(life.agent, world.clock.now))
    })
  }

  /** At the latest a whole beat after the last one. */
  private beats(life: Life): void {
    const { beaten, settings } = life.agent
    this.process.after(Math.max(0, beaten + settings.beat - this.world.clock.now), () => {
      if (life !== this.life) return
      if (life.agent.beaten === beaten) this.beat(life)
      this.beats(life)
    })
  }

  private beat(life: Life): void {
    this.perform(life, onBeat(life.agent, HEALTH, this.world.clock.now))
  }

  private every(life: Life, seconds: number, action: () => void): void {
    this.process.after(seconds, () => {
      if (life !== this.life) return
      action()
      this.every(life, seconds, action)
    })
  }

  private perform(life: Life, effects: readonly AgentEffect[]): void {
    for (const effect of effects) this.performOne(life, effect)
  }

  private performOne(life: Life, effect: AgentEffect): void {
    const { world } = this
    switch (effect.do) {
      case 'send':
        this.send(life, effect.message, effect.lazy)
        return
      case 'spawn':
        this.spawn(life, effect.slot)
        return
      case 'tell':
        this.hosts
          .get(effect.slot)
          ?.tell(
            effect.message === 'leader'
              ? { type: 'leader', epoch: life.epoch }
              : { type: effect.message },
          )
        return
      case 'stop':
      case 'withdraw':
        this.hosts.get(effect.slot)?.tell({ ...effect, type: effect.do })
        return
      case 'order':
        world.checks.begun(effect.order)
        this.hosts
          .get(effect.slot)
          ?.tell({ type: 'run', order: effect.order, leaderEpoch: life.epoch })
        return
      case 'kill':
        this.hosts.get(effect.slot)?.kill(true)
        return
      case 'record':
        life.writtenAt = Math.max(life.writtenAt, world.clock.now) + world.disk.latency()
        return
      case 'log':
        world.note(() => `${life.id} logs ${effect.text}`)
        return
      case 'exit':
        life.outbox.flush()
        this.ended(effect.again, life.agent.welcomed)
        return
    }
  }

  /** No answer before its error.json is written; a beat waits for no disk. */
  private send(life: Life, message: FromAgent, lazy = false): void {
    const { world } = this
    world.note(() => `${life.id} says ${JSON.stringify(message)}`)
    if (message.type === 'broken' || message.type === 'bye') world.checks.excuse(life.id)
    if (message.type === 'beat' || life.writtenAt <= world.clock.now)
      life.outbox.post('', message, lazy)
    else this.process.after(life.writtenAt - world.clock.now, () => life.outbox.post('', message))
  }

  private spawn(life: Life, slot: number): void {
    const isHere = () => life === this.life
    const { clock } = this.world
    const host: SimExecutor = new SimExecutor(
      this.world,
      this.node,
      this.process,
      message => {
        if (!isHere()) return
        const { agent } = life
        if (isBeatNear(agent, clock.now)) this.beat(life)
        this.perform(life, onExecutor(agent, slot, message, clock.now))
      },
      (fate, how) => {
        const isLast = this.hosts.get(slot) === host
        if (isLast) this.hosts.delete(slot)
        if (isHere() && (isLast || slot !== STAGER))
          this.perform(life, onExecutorExit(life.agent, slot, fate, how))
      },
    )
    this.hosts.set(slot, host)
    if (slot === STAGER) this.world.note(() => `${life.id} stages`)
  }

  /** As agentMain after a life. */
  private ended(again: boolean, welcomed: boolean): void {
    const { world } = this
    world.note(() => `rank ${this.rank} process ${this.pid} ends a life, again: ${again}`)
    world.checks.excuse(this.life?.id)
    this.life = undefined
    for (const host of this.hosts.values()) host.kill(true)
    this.hosts.clear()
    if (!again) {
      this.kill('exit 0')
      return
    }
    if (world.scenario.lifeline && welcomed) {
      this.kill('exit 75')
      return
    }
    this.alone = welcomed ? 0 : this.alone + 1
    if (this.alone >= LEASES_ALONE) {
      this.kill('exit 0')
      return
    }
    this.process.after(world.random.between(0.2, 1), () =>
      this.wait(0.02, world.clock.now + world.scenario.lease[2]),
    )
  }
}
