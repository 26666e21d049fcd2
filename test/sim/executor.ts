import type { RunId } from '../../src/base/ids.js'
import type { FromExecutor } from '../../src/engine/executor-protocol.js'
import type { Order } from '../../src/engine/protocol.js'
import type { Fate } from '../../src/experiment/fate.js'
import type { Owner, SimMarker } from './disk.js'
import { Process } from './process.js'
import type { Bad } from './scenario.js'
import type { World } from './world.js'

/** Seconds through the pipe between agent and executor. */
const PIPE = 0.0003

export type Told =
  | { readonly type: 'stage' | 'open' }
  | { readonly type: 'run'; readonly order: Order; readonly leaderEpoch: number }
  | { readonly type: 'leader'; readonly epoch: number }
  | { readonly type: 'stop' | 'withdraw'; readonly run: RunId; readonly attempt: number }

interface Running {
  readonly order: Order
  readonly owner: Owner
  readonly began: number
  /** Epoch of the leader it belongs to. */
  leader: number
  epochs: number
  stop: boolean
  hung: boolean
}

/** As src/engine/executor.ts, attempt.ts and fence.ts: what it does to the disk, and when. */
export class SimExecutor {
  readonly process: Process
  readonly node: number
  /** MB it uses. */
  memory = 100
  private readonly world: World
  private readonly parent: Process
  private readonly onMessage: (message: FromExecutor) => void
  private readonly onExit: (fate: Fate, how: string) => void
  private running: Running | undefined
  /** In hand and not begun, also what is on its way through the pipe: who dies now takes the first along. */
  private readonly inbox: (Told & { type: 'run' })[] = []
  /** Epoch of the latest leader that it was told of. */
  private leader = 0

  constructor(
    world: World,
    node: number,
    parent: Process,
    onMessage: (message: FromExecutor) => void,
    onExit: (fate: Fate, how: string) => void,
  ) {
    this.world = world
    this.node = node
    this.parent = parent
    this.onMessage = onMessage
    this.onExit = onExit
    this.process = new Process(world.clock, world.random)
    world.executors.add(this)
  }

  /** What runs now. */
  get order(): Order | undefined {
    return this.running?.order ?? this.inbox[0]?.order
  }

  tell(message: Told): void {
    if (message.type === 'run') {
      this.inbox.push(message)
      // its agent has not seen the exit yet
      if (!this.process.alive && this.order === message.order) this.suffered('crashed')
    }
    this.world.clock.after(PIPE, () => this.process.input(() => this.on(message)))
  }

  /** SIGKILL. @param asked by its agent: no fate of its own */
  kill(asked = false): void {
    if (!this.process.alive) return
    if (!asked) this.suffered('crashed')
    this.exit('crashed', 'died of SIGKILL')
  }

  /** Its agent is gone: the pipe closes. */
  orphan(): void {
    this.world.clock.after(this.world.random.between(0, 0.005), () =>
      this.process.input(() => {
        this.world.executors.delete(this)
        this.process.kill()
      }),
    )
  }

  private say(message: FromExecutor): void {
    this.world.clock.after(PIPE, () => this.parent.input(() => this.onMessage(message)))
  }

  private exit(fate: Fate, how: string): void {
    this.process.kill()
    this.world.executors.delete(this)
    this.world.clock.after(PIPE, () => this.parent.input(() => this.onExit(fate, how)))
  }

  private on(message: Told): void {
    const { random, isOpeningBad } = this.world
    switch (message.type) {
      case 'stage':
        this.process.after(random.logBetween(0.1, 5), () => {
          if (isOpeningBad(this.node)) this.exit('crashed', 'died of SIGSEGV')
          else {
            this.say({ type: 'staged' })
            // until no other node wants the data from it
            this.process.after(random.logBetween(0.1, 60), () => this.exit('failed', 'exit 0'))
          }
        })
        return
      case 'open':
        this.process.after(random.logBetween(0.1, 3), () => {
          if (!isOpeningBad(this.node)) this.say({ type: 'opened' })
          else if (random.chance(0.5)) this.exit('failed', 'exit 1')
          else this.say({ type: 'ended', fate: 'failed', message: 'no device' })
        })
        return
      case 'run':
        this.next()
        return
      case 'leader':
        this.leader = message.epoch
        if (this.running) this.running.leader = Math.max(this.running.leader, message.epoch)
        return
      case 'stop':
        this.stop(message.run, message.attempt)
        return
      case 'withdraw': {
        const { run, attempt } = message
        const at = this.inbox.findIndex(t => t.order.run === run && t.order.attempt === attempt)
        if (at < 0) return
        this.inbox.splice(at, 1)
        this.say({ type: 'withdrawn', run, attempt })
      }
    }
  }

  /** One RUN after another. */
  private next(): void {
    const task = this.running ? undefined : this.inbox.shift()
    if (task) this.begin(task.order, Math.max(task.leaderEpoch, this.leader))
  }

  private begin(order: Order, leader: number): void {
    const { world } = this
    const owner = { leader, attempt: order.attempt, who: world.number() }
    const began = world.clock.now
    const running = { order, owner, began, leader, epochs: 0, stop: false, hung: false }
    this.running = running
    this.memory = 100
    this.process.after(world.disk.latency(), () => {
      if (this.running !== running) return // stopped while the disk stood still
      const before = world.disk.owners.get(order.run)
      if (before && isNewer(before, owner)) {
        this.end(running, 'stopped', 'a newer attempt has it')
        return
      }
      world.disk.owners.set(order.run, owner)
      world.checks.owned(order.run, owner)
      running.epochs = world.disk.checkpoints.get(order.run) ?? 0
      this.epoch(running)
    })
  }

  private epoch(running: Running): void {
    const { world } = this
    const { run } = running.order
    const { epochs, epochSeconds, bad } = world.script(run)
    if (world.disk.markers.has(run)) {
      this.finish(running) // an earlier attempt got as far, and nobody heard of it
      return
    }
    if (world.scenario.badNodes.has(this.node)) {
      this.process.after(0.1, () => this.end(running, 'failed', 'bad node'))
      return
    }
    if (bad?.epoch === running.epochs && world.goesWrong(run, bad)) {
      this.process.after(epochSeconds / 2, () => this.goWrong(running, bad.how))
      return
    }
    if (running.epochs >= epochs) {
      this.fence(running, () => this.finish(running))
      return
    }
    this.process.after(epochSeconds, () => {
      if (this.running !== running) return
      running.epochs++
      this.say({
        type: 'progress',
        progress: { phase: 'train', epoch: running.epochs, part: 0, epochSeconds },
      })
      this.fence(running, () => {
        world.checks.writes(run, running.owner)
        world.disk.checkpoints.set(run, running.epochs)
        if (running.stop) this.end(running, 'stopped', 'stopped')
        else this.epoch(running)
      })
    })
  }

  private stop(run: RunId, attempt: number): void {
    const { running } = this
    if (running?.order.run !== run || running.order.attempt !== attempt) return
    running.stop = true
    this.process.after(this.world.random.between(0.05, 1), () => {
      if (!running.hung) this.end(running, 'stopped', 'stopped')
    })
  }

  /** As passFence. */
  private fence(running: Running, pass: () => void): void {
    const { world } = this
    this.process.after(world.disk.latency(), () => {
      if (this.running !== running) return
      const { run } = running.order
      if (world.disk.owners.get(run) !== running.owner) this.end(running, 'stopped', 'stopped')
      else if (world.disk.rendezvous <= running.leader) pass()
      else if (running.stop) this.end(running, 'stopped', 'stopped')
      else this.process.after(1, () => this.fence(running, pass))
    })
  }

  private finish(running: Running): void {
    const { world } = this
    const { run } = running.order
    if (world.disk.markersFailUntil > world.clock.now) {
      this.end(running, 'failed', 'ENOSPC')
      return
    }
    const { digest: marker, epochs } = world.disk.markers.get(run) ?? this.mark(running)
    this.running = undefined
    const seconds = world.clock.now - running.began
    this.say({
      type: 'done',
      finish: { marker, epochs, reason: 'completed', seconds, durable: seconds >= 1 },
    })
    this.next()
  }

  private mark({ order: { run, attempt }, owner, epochs }: Running): SimMarker {
    const { disk, checks } = this.world
    const digest = `${run}-${owner.who}`
    const marker = { attempt, digest, epochs }
    checks.writes(run, owner)
    checks.marked(run, marker)
    disk.markers.set(run, marker)
    return marker
  }

  private goWrong(running: Running, how: Bad['how']): void {
    if (this.running !== running) return
    const { order } = running
    switch (how) {
      case 'failed':
      case 'bad-data':
        this.end(running, how, 'as its script says')
        return
      case 'no-marker':
        this.suffered(how)
        this.exit(how, 'exit 0')
        return
      case 'crashed':
        this.suffered(how)
        this.exit(how, 'died of SIGSEGV')
        return
      case 'out-of-memory':
        this.suffered(how)
        if (order.memory > 0) this.memory = 1e6
        else this.exit(how, 'killed by the kernel: out of memory')
        return
      case 'hung':
        running.hung = true
        this.world.checks.mayHang(order)
    }
  }

  /** The attempt is over, the executor goes on. */
  private end(running: Running, fate: Fate, message: string): void {
    if (this.running !== running) return
    this.suffered(fate)
    this.running = undefined
    this.say({ type: 'ended', fate, message })
    this.next()
  }

  private suffered(fate: Fate): void {
    const { order } = this
    if (order) this.world.checks.suffered(order, fate)
  }
}

function isNewer(a: Owner, b: Owner): boolean {
  return a.leader > b.leader || (a.leader === b.leader && a.attempt > b.attempt)
}
