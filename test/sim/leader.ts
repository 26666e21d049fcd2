import type { JournalRecord } from '../../src/experiment/journal.js'
import { newLeader, type Effect, type Leader } from '../../src/engine/leader-state.js'
import * as machine from '../../src/engine/leader.js'
import type { FromAgent, ToAgent } from '../../src/engine/protocol.js'
import { stockOf, type Stock } from '../../src/engine/replay.js'
import { snapshotOf } from '../../src/engine/snapshot.js'
import { onStop } from '../../src/engine/stop.js'
import { SimJournal } from './disk.js'
import type { Link } from './network.js'
import { Outbox } from './outbox.js'
import { Process } from './process.js'
import type { World } from './world.js'

const ACK = 0.05
const TICK = 1
const STOP_LIMIT = 75
const CLOSE_LIMIT = 3

/** The functions of the leader's core; a test may put a wrong one in. */
export type Machine = Pick<typeof machine, 'onMessage' | 'onGone' | 'onTick' | 'onStall'>

export interface Ended {
  readonly left: number
  readonly reason: string
}

interface Peer {
  readonly link: Link
  readonly deliver: (bodies: readonly ToAgent[]) => void
}

/** One life of a leader, as src/engine/leader-process.ts: performs the effects and decides nothing. */
export class SimLeader {
  readonly process: Process
  readonly epoch: number
  readonly leader: Leader
  readonly stock: Stock
  /** Told to end: why. */
  ended: Ended | undefined
  private readonly world: World
  private readonly machine: Machine
  private readonly journal: SimJournal
  private readonly outbox: Outbox<ToAgent>
  private readonly peers = new Map<string, Peer>()
  readonly began: number
  private lastTick: number

  /** @param job of the scheduler; @param deadline on the virtual clock */
  constructor(world: World, epoch: number, job: string, deadline: number) {
    this.world = world
    this.epoch = epoch
    this.machine = world.machine
    this.process = new Process(world.clock, world.random)
    const { scenario, disk, checks } = world
    const { lease, prefetch, maxFailed } = scenario
    const plan = scenario.runs.map(s => s.plan)
    this.stock = stockOf(plan, 'plan', disk.replay(), scenario.lifeline ? undefined : job, {
      isThere: run => disk.markers.has(run),
      validate: ({ run }) => ({ epochs: disk.markers.get(run)!.epochs }),
    })
    const [beat, suspect, lost] = lease
    const { now } = world.clock
    this.leader = newLeader(
      plan,
      { crashLimit: 3, beat, suspect, lost, maxFailed, deadline, prefetch },
      this.stock,
      now,
    )
    this.began = now
    this.lastTick = now
    this.outbox = new Outbox<ToAgent>(this.process, ACK, (to, bodies) => {
      const peer = this.peers.get(to)
      peer?.link.down(bodies, peer.deliver)
    })
    this.journal = new SimJournal(disk, this.process, world.random, record =>
      checks.durable(this, record),
    )
    checks.leaderBegan(this)
    const record = { type: 'began', epoch, job, plan: 'plan', host: 'h', time: '' } as const
    this.journal.append(
      record,
      () => this.process.after(disk.latency(), () => this.begin()),
      () => this.die(),
    )
  }

  connect(id: string, link: Link, deliver: (bodies: readonly ToAgent[]) => void): void {
    if (this.process.alive) this.peers.set(id, { link, deliver })
  }

  receive(from: string, bodies: readonly FromAgent[]): void {
    this.process.input(() => {
      for (const body of bodies)
        this.perform(this.machine.onMessage(this.leader, from, body, this.world.clock.now))
      this.world.checks.someState(this)
    })
  }

  /** SIGKILL. */
  die(): void {
    if (!this.process.alive) return
    this.process.kill()
    this.journal.cut()
    this.world.onLeaderGone(this)
  }

  /** Our own launcher tells of an exit. */
  onExit(pid: number, how: string): void {
    this.process.input(() => {
      for (const agent of this.leader.agents.values())
        if (agent.pid === pid) this.perform(this.machine.onGone(this.leader, agent.id, how))
    })
  }

  onNoWorkers(): void {
    this.process.input(() => {
      this.perform(onStop(this.leader, 'stopped', 'no worker is left'))
      this.over()
    })
  }

  private begin(): void {
    this.world.disk.rendezvous = Math.max(this.world.disk.rendezvous, this.epoch)
    for (const record of snapshotOf(this.stock)) this.append(record, [])
    const { counts } = this.leader
    this.process.every(TICK, () => this.tick())
    if (counts.waiting + counts.running === 0) this.over()
  }

  private tick(): void {
    if (this.ended) return
    const { now } = this.world.clock
    const late = now - this.lastTick - TICK
    if (late > 1) this.machine.onStall(this.leader, late)
    this.lastTick = now
    this.perform(this.machine.onTick(this.leader, now))
    if (this.leader.stopping?.fate === 'walltime') this.process.after(STOP_LIMIT, () => this.over())
    this.world.checks.state(this)
  }

  private perform(effects: readonly Effect[]): void {
    this.world.checks.effects(this, effects)
    for (const effect of effects) this.performOne(effect)
  }

  private performOne(effect: Effect): void {
    const { world } = this
    switch (effect.do) {
      case 'send':
        world.note(() => `leader ${this.epoch} to ${effect.to} ${JSON.stringify(effect.message)}`)
        this.outbox.post(effect.to, effect.message, effect.message.type === 'ack')
        return
      case 'journal':
        world.note(() => `leader ${this.epoch} journals ${JSON.stringify(effect.record)}`)
        this.append(effect.record, effect.then)
        return
      case 'settled':
        this.journal.settled(() => this.perform(effect.then))
        return
      case 'alert':
        world.note(() => `leader ${this.epoch} ALERT ${effect.text}`)
        return
      case 'changed':
        return
      case 'over':
        this.over()
    }
  }

  private append(record: JournalRecord, then: readonly Effect[]): void {
    this.journal.append(
      record,
      () => this.perform(then),
      () => this.perform(onStop(this.leader, 'stopped', 'the journal cannot be written')),
    )
  }

  /** The end of leaderMain: what is journalled is waited for, then the sockets are closed. */
  private over(): void {
    if (this.ended) return
    const { waiting, running } = this.leader.counts
    this.ended = {
      left: waiting + running,
      reason: this.leader.stopping?.reason ?? 'all RUNs have ended',
    }
    this.world.note(() => `leader ${this.epoch} ends: ${JSON.stringify(this.ended)}`)
    this.close(this.world.clock.now + CLOSE_LIMIT)
  }

  private close(limit: number): void {
    if (!this.journal.isIdle && this.world.clock.now < limit) {
      this.process.after(0.01, () => this.close(limit))
      return
    }
    this.outbox.flush()
    this.die()
  }
}
