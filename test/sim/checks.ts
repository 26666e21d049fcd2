import type { RunId } from '../../src/base/ids.js'
import type { Agent } from '../../src/engine/agent-state.js'
import type { Effect } from '../../src/engine/leader-state.js'
import type { Order } from '../../src/engine/protocol.js'
import type { Fate } from '../../src/experiment/fate.js'
import type { JournalRecord } from '../../src/experiment/journal.js'
import type { Owner, SimMarker } from './disk.js'
import type { SimLeader } from './leader.js'
import { checkBounds, checkState } from './leader-checks.js'
import { Rule } from './rule.js'
import type { World } from './world.js'

/** An invariant does not hold. */
export class Violation extends Error {
  /** Of which RUN, if of one. */
  readonly run: RunId | undefined
  constructor(text: string, run?: RunId) {
    super(run === undefined ? text : `${run}: ${text}`)
    this.run = run
  }
}

/** What must hold in every world, judged by what really happened and not by what the engine believes. */
export class Checks {
  private readonly world: World
  /** Fates that attempts really had: `RUN/attempt/fate`. */
  private readonly fates = new Set<string>()
  private readonly hangs = new Set<string>()
  private readonly began = new Map<string, number>()
  /** Who was given an attempt, by leader: `epoch/RUN/attempt`. */
  private readonly given = new Map<string, string>()
  /** Attempts that anybody was ever given. */
  private readonly attempts = new Set<string>()
  /** Agents that may be taken for lost: something happened to them. */
  private readonly excused = new Set<string>()
  /** All of them are: frames are lost at random. */
  private readonly allExcused: boolean
  /** Accepted markers, and attempts that ended otherwise: as the journal has them, and who wrote it. */
  private readonly finished = new Map<RunId, Written>()
  private readonly ended = new Map<string, Written>()
  private readonly rules = new Map<number, Rule>()
  private readonly byes = new Set<string>()

  constructor(world: World) {
    this.world = world
    const { network } = world.scenario
    this.allExcused = network.loss > 0 || network.delay[1] >= 1
  }

  excuse(agent: string | undefined): void {
    if (agent !== undefined) this.excused.add(agent)
  }

  begun(order: Order): void {
    this.began.set(key(order), this.world.clock.now)
  }

  suffered(order: Order, fate: Fate): void {
    this.fates.add(`${key(order)}/${fate}`)
    this.world.note(() => `${key(order)} suffers ${fate}`)
  }

  mayHang(order: Order | undefined): void {
    if (order) this.hangs.add(key(order))
  }

  owned(run: RunId, owner: Owner): void {
    this.world.note(() => `${run} rank.txt is of ${JSON.stringify(owner)}`)
  }

  /** Records are gone: numbers of attempts may come again. */
  damaged(): void {
    this.ended.clear()
  }

  /** A checkpoint or marker is renamed. */
  writes(run: RunId, owner: Owner): void {
    const { owners } = this.world.disk
    if (owners.get(run) !== owner) throw new Violation('written by an attempt fenced off', run)
  }

  marked(run: RunId, marker: SimMarker): void {
    this.world.note(() => `${run} marker ${JSON.stringify(marker)}`)
    if (this.finished.has(run))
      throw new Violation(
        `the accepted marker ${this.finished.get(run)!.marker} is overwritten`,
        run,
      )
    if (!this.attempts.has(`${run}/${marker.attempt}`))
      throw new Violation(`a marker of attempt ${marker.attempt}, which nobody was given`, run)
  }

  leaderBegan({ epoch, leader, stock }: SimLeader): void {
    const plans = new Map(this.world.scenario.runs.map(s => [s.plan.run, s.plan]))
    this.rules.set(epoch, new Rule(plans, leader.settings.crashLimit))
    for (const run of stock.finished.keys())
      if (!this.world.disk.markers.has(run)) throw new Violation('finished without a marker', run)
    for (const run of this.finished.keys())
      if (!stock.finished.has(run)) throw new Violation('was finished and is lost', run)
  }

  /** What a leader decided, before it is performed. */
  effects(leader: SimLeader, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'journal') this.decided(leader, effect.record)
      if (effect.do === 'over') this.over(leader, effects)
      if (effect.do !== 'send') continue
      const { to, message } = effect
      if (message.type === 'bye') this.byes.add(`${leader.epoch}/${to}`)
      if (message.type !== 'run') continue
      this.given.set(`${leader.epoch}/${key(message.order)}`, to)
      this.attempts.add(key(message.order))
    }
  }

  /** An answer is forgotten by its agent. */
  acked(
    id: string,
    epoch: number,
    agent: Agent,
    ack: { readonly run: RunId; readonly attempt: number },
  ): void {
    const answer = agent.unacked.get(key(ack))
    const sim = this.world.leaders.get(epoch)
    if (!answer || !sim) return
    const { run } = ack
    const isFinished = this.finished.has(run) || sim.stock.finished.has(run)
    if (answer.type === 'done') {
      if (!isFinished) throw new Violation(`"done" acked before it is durable`, run)
      return
    }
    if (isFinished || this.ended.has(key(ack))) return
    const known = sim.leader.runs.get(run)
    const holder = known?.slot?.agent.id
    const isSame = known?.state === 'running' && known.attempt === ack.attempt
    if (isSame && (holder ?? id) === id && !this.isGivenTwice(ack))
      throw new Violation(`"ended" (${answer.fate}) of attempt ${ack.attempt} acked and lost`, run)
  }

  durable(leader: SimLeader, record: JournalRecord): void {
    if (record.type !== 'finished' && record.type !== 'ended') return
    const { run } = record
    const attempt = key(record)
    if (record.type === 'ended') {
      if (this.isKnown(leader, this.ended.get(attempt)))
        throw new Violation(`attempt ended twice: ${attempt}`, run)
      this.ended.set(attempt, { by: leader, at: this.world.clock.now, marker: '' })
      return
    }
    if (this.isKnown(leader, this.finished.get(run))) throw new Violation('accepted twice', run)
    const marker = this.world.disk.markers.get(run)
    if (marker?.digest !== record.finish.marker)
      throw new Violation(`accepted with the marker ${record.finish.marker}`, run)
    const { marker: digest } = record.finish
    this.finished.set(run, { by: leader, at: this.world.clock.now, marker: digest })
  }

  /** What a leader writes when another has taken over is read by nobody. */
  private isKnown(leader: SimLeader, written: Written | undefined): boolean {
    if (!written || written.by === leader) return written !== undefined
    const next = this.world.leaders.get(written.by.epoch + 1)
    return leader.epoch > written.by.epoch && next !== undefined && written.at <= next.began
  }

  state(sim: SimLeader): void {
    checkState(sim.leader)
    checkBounds(sim.leader, this.world.scenario, this.world.maxAgents)
  }

  /** Now and then: it costs more than the event before it. */
  someState({ leader }: SimLeader): void {
    if (this.world.clock.count % (16 + leader.runs.size) < 4) checkState(leader)
  }

  agent(agent: Agent): void {
    const { slots, prefetch } = this.world.scenario
    const most = slots * (prefetch + 2)
    if (agent.unacked.size > 4 * most + 1000) throw new Violation('an agent keeps too many answers')
    if (agent.answered.size > 1000) throw new Violation('an agent remembers too many answers')
    for (const { line } of agent.slots)
      if (line.length > prefetch) throw new Violation(`${line.length} RUNs wait in one slot`)
  }

  /** Every RUN has one end, with a reason. */
  end({ leader, ended }: SimLeader): void {
    checkState(leader)
    const rule = this.rules.get(this.world.lastEpoch)!
    for (const [run, { state, reason }] of leader.runs) {
      if (state === 'finished' && !this.world.disk.markers.has(run))
        throw new Violation('finished without a marker', run)
      if (state === 'failed' && (!rule.isFailed(run) || reason === ''))
        throw new Violation('failed without a reason', run)
      if ((state === 'waiting' || state === 'running') && !leader.stopping)
        throw new Violation(`left ${state} and nobody stopped the sweep`, run)
    }
    if (!ended || ended.reason === '') throw new Violation('ended without a reason')
  }

  private over(sim: SimLeader, effects: readonly Effect[]): void {
    const now = new Set(
      effects.flatMap(e => (e.do === 'send' && e.message.type === 'bye' ? [e.to] : [])),
    )
    for (const id of sim.leader.agents.keys())
      if (!now.has(id)) throw new Violation(`${id} is not told that the sweep is over`)
  }

  private decided(sim: SimLeader, record: JournalRecord): void {
    if (record.type === 'finished') {
      if (!this.attempts.has(key(record)))
        throw new Violation(`attempt ${record.attempt} was never given`, record.run)
      return
    }
    if (record.type !== 'ended') return
    const { run, fate } = record
    const holder = this.holder(sim, record)
    if (!this.isTrue(record, fate, holder))
      throw new Violation(`attempt ${record.attempt} did not end as ${fate} (${holder})`, run)
    const wrong = this.rules.get(sim.epoch)!.count(record)
    if (wrong !== undefined) throw new Violation(wrong, run)
  }

  /** Who has the attempt: given by this leader or by an earlier one. */
  private holder({ epoch }: SimLeader, attempt: Attempt): string | undefined {
    for (let by = epoch; by > 0; by--) {
      const holder = this.given.get(`${by}/${key(attempt)}`)
      if (holder !== undefined) return by === epoch ? holder : undefined
    }
    return undefined
  }

  /** By two leaders: the first one died before the journal had it. */
  private isGivenTwice(attempt: Attempt): boolean {
    let times = 0
    for (let by = this.world.lastEpoch; by > 0; by--)
      if (this.given.has(`${by}/${key(attempt)}`)) times++
    return times > 1
  }

  private isTrue(attempt: Attempt, fate: Fate, holder: string | undefined): boolean {
    switch (fate) {
      case 'stopped':
      case 'walltime':
        return true
      case 'node-lost':
        // of an earlier leader's time: its agents are excused
        return this.allExcused || holder === undefined || this.excused.has(holder)
      case 'hung':
        return this.hangs.has(key(attempt)) || this.isLate(attempt)
      default:
        return this.fates.has(`${key(attempt)}/${fate}`)
    }
  }

  private isLate(attempt: Attempt): boolean {
    const { timeout } = this.world.script(attempt.run).plan
    const began = this.began.get(key(attempt)) ?? Infinity
    return timeout > 0 && this.world.clock.now - began > timeout
  }
}

interface Written {
  readonly by: SimLeader
  readonly at: number
  readonly marker: string
}

interface Attempt {
  readonly run: RunId
  readonly attempt: number
}

function key({ run, attempt }: Attempt): string {
  return `${run}/${attempt}`
}
