import type { RunId } from '../../src/base/ids.js'
import * as machine from '../../src/engine/leader.js'
import { Checks, Violation } from './checks.js'
import { Clock } from './clock.js'
import { Disk } from './disk.js'
import type { SimExecutor } from './executor.js'
import { Faults } from './faults.js'
import { SimLeader, type Machine } from './leader.js'
import { Network, Path } from './network.js'
import { Random } from './random.js'
import { SimRank } from './rank.js'
import type { Bad, Scenario, Script } from './scenario.js'

/** Jobs that may be needed when all faults are over. */
const JOBS = 4

/**
 * One sweep on virtual time: leader, ranks, executors, network and disk, all from one seed.
 * The first job runs with faults; what it leaves, further jobs resume without any.
 */
export class World {
  readonly clock = new Clock()
  readonly random: Random
  readonly scenario: Scenario
  readonly disk: Disk
  readonly network: Network
  readonly checks: Checks
  readonly machine: Machine
  readonly leaders = new Map<number, SimLeader>()
  readonly ranks = new Set<SimRank>()
  readonly executors = new Set<SimExecutor>()
  readonly paths: readonly Path[]
  readonly faults: Faults
  /** Epoch of the last leader that was started. */
  lastEpoch = 0
  /** Lines of what happened; undefined: not wanted. */
  readonly trace: string[] | undefined
  private readonly scripts: ReadonlyMap<RunId, Script>
  private readonly wrong = new Map<RunId, number>()
  /** Jobs so far. */
  jobs = 0
  private calmJobs = 0
  /** The last leader has ended. */
  over = false
  /** Ranks that will start. */
  coming = 0
  private numbers = 0

  constructor(seed: number, scenario: Scenario, options: WorldOptions = {}) {
    this.scenario = scenario
    this.random = new Random(seed, 1)
    this.machine = { ...machine, ...options.machine }
    this.trace = options.trace
    this.scripts = new Map(scenario.runs.map(s => [s.plan.run, s]))
    this.disk = new Disk(this.clock, this.random)
    this.network = new Network(this.clock, this.random, scenario.network)
    this.network.calmFrom = scenario.calmFrom
    this.paths = Array.from({ length: scenario.ranks }, () => new Path())
    this.checks = new Checks(this)
    this.faults = new Faults(this, new Random(seed, 2))
  }

  /** Most agents that a leader may know at a time. */
  get maxAgents(): number {
    return this.scenario.ranks
  }

  /** Leader of the highest epoch, if it lives. */
  get leader(): SimLeader | undefined {
    const leader = this.leaders.get(this.lastEpoch)
    return leader?.process.alive ? leader : undefined
  }

  /** @throws Violation */
  run(): void {
    this.startJob()
    this.faults.begin()
    const limit = this.limit()
    while (!this.over && this.clock.step(limit));
    if (!this.over) throw new Violation(`no end after ${Math.round(limit)} s: ${this.left()}`)
    // an agent that missed the last word finds out by its lease
    const last = this.clock.now + 8 * (this.scenario.lease[2] + 120)
    while (this.ranks.size > 0 && this.clock.step(last));
    for (const { rank } of this.ranks) throw new Violation(`rank ${rank} does not end`)
    while (this.executors.size > 0 && this.clock.step(last));
    if (this.executors.size > 0) throw new Violation('executors outlive their agents')
  }

  script(run: RunId): Script {
    return this.scripts.get(run)!
  }

  /** Numbers that nobody else has: process ids, nonces, owners. */
  number(): number {
    return ++this.numbers
  }

  note(text: () => string): void {
    this.trace?.push(`${this.clock.now.toFixed(4)} ${text()}`)
  }

  goesWrong(run: RunId, bad: Bad): boolean {
    const times = this.wrong.get(run) ?? 0
    this.wrong.set(run, times + 1)
    return times < bad.times
  }

  isOpeningBad = (node: number): boolean => (this.faults.openingBad.get(node) ?? 0) > this.clock.now

  startLeader(): SimLeader {
    const epoch = ++this.lastEpoch
    const deadline = this.jobs === 1 ? this.scenario.walltime : Infinity
    const leader = new SimLeader(this, epoch, `job${this.jobs}`, deadline)
    this.leaders.set(epoch, leader)
    this.note(() => `leader ${epoch} starts`)
    return leader
  }

  startRank(rank: number): SimRank {
    const started = new SimRank(this, rank, this.paths[rank]!, this.lastEpoch)
    this.ranks.add(started)
    this.note(() => `rank ${rank} starts as process ${started.pid}`)
    return started
  }

  onRankGone(rank: SimRank, how: string): void {
    this.ranks.delete(rank)
    this.note(() => `rank ${rank.rank} process ${rank.pid} is gone: ${how}`)
    const { leader } = this
    if (!this.scenario.lifeline || !leader || leader.ended) return
    this.clock.after(0.01, () => leader.onExit(rank.pid, how))
    if (how !== 'exit 0')
      this.startLater(0.5, rank.rank, () => this.leader === leader && !leader.ended)
    if (this.ranks.size + this.coming === 0) leader.onNoWorkers()
  }

  /** It ended by itself, or died. */
  onLeaderGone(leader: SimLeader): void {
    this.note(() => `leader ${leader.epoch} is gone`)
    if (leader.epoch !== this.lastEpoch) return
    const { ended } = leader
    if (!ended) {
      // our own launcher ends with its leader, and so do its agents; elsewhere somebody starts another
      if (this.scenario.lifeline) for (const rank of [...this.ranks]) rank.kill('lifeline')
      const wait = this.random.logBetween(0.5, 1.5 * this.scenario.lease[2])
      this.clock.after(wait, () => {
        if (this.scenario.lifeline) this.startJob()
        else this.startLeader()
      })
      return
    }
    const isFinal = this.jobs > 1
    if (ended.left === 0 || (isFinal && ended.reason.startsWith('more than'))) {
      this.checks.end(leader)
      this.over = true
      return
    }
    if (this.clock.now >= this.scenario.calmFrom && ++this.calmJobs >= JOBS)
      throw new Violation(`still not done after ${JOBS} jobs: ${ended.reason}`)
    this.clock.after(this.random.logBetween(1, 60), () => this.startJob())
  }

  /** The scheduler ends what is left of the job before, and starts all ranks. */
  private startJob(): void {
    const job = ++this.jobs
    if (this.jobs > 1) for (const rank of [...this.ranks]) rank.kill('end of the job')
    this.startLeader()
    const { ranks, absent, startSeconds } = this.scenario
    for (let rank = 0; rank < ranks; rank++) {
      if (this.jobs === 1 && absent.has(rank)) continue
      const wait = this.random.between(0, startSeconds)
      this.startLater(wait, rank, () => job === this.jobs && !this.over)
    }
  }

  private startLater(seconds: number, rank: number, isWanted: () => boolean): void {
    this.coming++
    this.clock.after(seconds, () => {
      this.coming--
      if (isWanted()) this.startRank(rank)
    })
  }

  /** Seconds after which everything has surely ended. */
  private limit(): number {
    const { runs, calmFrom, lease } = this.scenario
    const work = runs.reduce((sum, { epochs, epochSeconds, plan }) => {
      const attempts = 6 + plan.retries
      return sum + attempts * (epochs * epochSeconds + 10)
    }, 0)
    const hangs = runs.filter(r => r.bad?.how === 'hung').length
    return calmFrom + 20 * lease[2] + 3000 + work + hangs * 5 * 400
  }

  private left(): string {
    const { leader } = this
    if (!leader) return 'there is no leader'
    const left = [...leader.leader.runs]
      .filter(([, r]) => r.state === 'waiting' || r.state === 'running')
      .map(([id, r]) => `${id} ${r.state} attempt ${r.attempt} at ${r.slot?.agent.id}`)
    const agents = [...leader.leader.agents.keys()]
    return `${left.slice(0, 5).join(', ')}; agents ${agents.join(' ')}; ranks ${this.ranks.size}`
  }
}

export interface WorldOptions {
  /** Functions of the leader's core to be replaced: to see that the checks find what they break. */
  readonly machine?: Partial<Machine>
  readonly trace?: string[] | undefined
}
