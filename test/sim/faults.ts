import type { Path } from './network.js'
import type { Random } from './random.js'
import type { SimRank } from './rank.js'
import { type Fault } from './scenario.js'
import type { World } from './world.js'

/** What goes wrong: each kind of fault comes by chance, until the world is calm. */
export class Faults {
  /** Nodes where staging and opening fail, until when. */
  readonly openingBad = new Map<number, number>()
  private readonly world: World
  private readonly random: Random

  constructor(world: World, random: Random) {
    this.world = world
    this.random = random
  }

  begin(): void {
    for (const [fault, mean] of this.world.scenario.faults) this.plan(fault, mean)
    this.world.clock.after(this.world.scenario.calmFrom, () => this.calm())
  }

  private plan(fault: Fault, mean: number): void {
    const wait = this.random.exponential(mean)
    const { clock, scenario } = this.world
    if (clock.now + wait >= scenario.calmFrom) return
    clock.after(wait, () => {
      this.world.note(() => `FAULT ${fault}`)
      this.strike(fault)
      this.plan(fault, mean)
    })
  }

  /** Long enough to cost the lease, or not. */
  private seconds(): number {
    const lost = this.world.scenario.lease[2]
    return this.random.logBetween(lost / 50, lost * 2)
  }

  private strike(fault: Fault): void {
    const { world, random } = this
    const { disk, clock } = world
    switch (fault) {
      case 'kill-executor':
        this.executor()?.kill()
        return
      case 'stop-executor': {
        const executor = this.executor()
        world.checks.mayHang(executor?.order)
        executor?.process.stop(this.seconds())
        return
      }
      case 'kill-agent':
        this.killRank(this.rank())
        return
      case 'stop-agent':
        this.stopRank(this.rank(), this.seconds(), false)
        return
      case 'term-agent':
        this.rank()?.terminate()
        return
      case 'kill-node': {
        const node = this.rank()?.node
        for (const rank of [...world.ranks]) if (rank.node === node) this.killRank(rank)
        return
      }
      case 'stop-node': {
        const node = this.rank()?.node
        const seconds = this.seconds()
        for (const rank of world.ranks) if (rank.node === node) this.stopRank(rank, seconds, true)
        return
      }
      case 'kill-leader':
        world.leader?.die()
        return
      case 'stop-leader':
        this.stopLeader(this.seconds())
        return
      case 'two-leaders':
        this.twoLeaders()
        return
      case 'break': {
        const rank = this.rank()
        if (rank) world.network.break(rank.path, random.logBetween(0.1, 10))
        this.excuse(rank)
        return
      }
      case 'partition':
        this.partition()
        return
      case 'freeze-disk':
        disk.frozenUntil = clock.now + this.seconds()
        for (const { order } of world.executors) world.checks.mayHang(order)
        return
      case 'fail-journal':
        disk.journalFailsUntil = clock.now + random.logBetween(0.1, 40)
        return
      case 'fail-markers':
        disk.markersFailUntil = clock.now + random.logBetween(0.1, 10)
        return
      case 'damage-journal':
        this.damage()
        return
      case 'twin': {
        const rank = this.rank()
        if (!rank) return
        rank.path.isHaunted = true
        this.excuse(rank)
        world.startRank(rank.rank)
        return
      }
      case 'fail-opening': {
        const rank = this.rank()
        if (rank) this.openingBad.set(rank.node, clock.now + random.logBetween(1, 30))
      }
    }
  }

  /** No more faults. */
  private calm(): void {
    const { world } = this
    const { disk, clock, scenario } = world
    world.note(() => 'CALM')
    disk.frozenUntil = Math.min(disk.frozenUntil, clock.now)
    disk.journalFailsUntil = 0
    disk.markersFailUntil = 0
    this.openingBad.clear()
    // those that are started again have come by then
    if (!scenario.lifeline) clock.after(scenario.startSeconds + 70, () => this.secureOne())
  }

  /** There is at least one agent that may serve, also when the last one was told to leave. */
  private secureOne(): void {
    const { world } = this
    world.clock.after(60, () => this.secureOne())
    const { scenario } = world
    const good = [...world.ranks].some(
      r => !scenario.badNodes.has(r.node) && !r.life?.agent.stopping,
    )
    const taken = new Set([...world.ranks].map(r => r.rank))
    const rank = world.paths.findIndex(
      (_, n) => !scenario.badNodes.has(Math.floor(n / scenario.perNode)) && !taken.has(n),
    )
    if (good || rank < 0 || world.coming > 0) return
    if (world.leader && !world.leader.ended) world.startRank(rank)
  }

  private executor() {
    const { executors } = this.world
    return executors.size > 0 ? this.random.pick([...executors]) : undefined
  }

  private rank(): SimRank | undefined {
    const { ranks } = this.world
    return ranks.size > 0 ? this.random.pick([...ranks]) : undefined
  }

  private excuse(rank: SimRank | undefined): void {
    if (!rank) return
    for (const { path, life } of this.world.ranks)
      if (path === rank.path) this.world.checks.excuse(life?.id)
  }

  private killRank(rank: SimRank | undefined): void {
    if (!rank) return
    rank.kill()
    const { scenario, clock, jobs } = this.world
    // a scheduler may start it again
    if (!scenario.lifeline && this.random.chance(0.7))
      clock.after(this.random.logBetween(0.5, 60), () => {
        if (!this.world.over && this.world.jobs === jobs) this.world.startRank(rank.rank)
      })
  }

  private stopRank(rank: SimRank | undefined, seconds: number, isAll: boolean): void {
    if (!rank) return
    this.excuse(rank)
    rank.process.stop(seconds)
    if (!isAll) return
    for (const { process, order } of rank.hosts.values()) {
      this.world.checks.mayHang(order)
      process.stop(seconds)
    }
  }

  private stopLeader(seconds: number): void {
    const { leader } = this.world
    leader?.process.stop(seconds)
    // an agent may give it up
    if (seconds > this.world.scenario.lease[2] / 2)
      for (const { life } of this.world.ranks) this.world.checks.excuse(life?.id)
  }

  /** It stands still, another takes the lock, it goes on until its next beat. */
  private twoLeaders(): void {
    const { world, random } = this
    const { leader } = world
    if (!leader || leader.ended || world.scenario.lifeline) return
    const seconds = random.between(30, 60)
    leader.process.stop(seconds)
    world.clock.after(seconds + random.between(0, 5), () => leader.die())
    world.clock.after(random.between(30, seconds), () => {
      if (world.leader === leader) world.startLeader()
    })
    for (const { life } of world.ranks) world.checks.excuse(life?.id)
  }

  private partition(): void {
    const { world, random } = this
    const one = this.rank()
    const node = random.chance(0.3) ? one?.node : undefined
    const hit = [...world.ranks].filter(r => r === one || r.node === node)
    const all = random.chance(0.1) ? [...world.ranks] : hit
    const until = world.clock.now + this.seconds()
    const way = random.int(0, 2)
    for (const rank of all) {
      const path: Path = rank.path
      path.holds = random.chance(0.5)
      path.isHaunted = true
      if (way !== 1) path.upBlockedUntil = until
      if (way !== 2) path.downBlockedUntil = until
      this.excuse(rank)
    }
  }

  /** Records of the journal are no good any more; the next leader finds out. */
  private damage(): void {
    const { segments } = this.world.disk
    this.world.checks.damaged()
    for (const segment of segments)
      for (let at = segment.length - 1; at >= 0; at--)
        if (this.random.chance(0.2)) {
          segment.splice(at, 1)
          this.world.disk.damaged++
        }
  }
}
