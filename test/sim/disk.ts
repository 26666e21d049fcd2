import type { RunId } from '../../src/base/ids.js'
import { newReplay, replay, type Replayed } from '../../src/engine/replay.js'
import type { JournalRecord } from '../../src/experiment/journal.js'
import type { Clock } from './clock.js'
import type { Process } from './process.js'
import type { Random } from './random.js'

export interface SimMarker {
  readonly attempt: number
  readonly digest: string
  readonly epochs: number
}

/** What lies in rank.txt. */
export interface Owner {
  readonly leader: number
  readonly attempt: number
  /** Of the executor: its rank, host and tile in the real file. */
  readonly who: number
}

/** The shared file system: it may stand still, be slow, and refuse what is written. */
export class Disk {
  /** Epoch in the rendezvous file; 0: there is none. */
  rendezvous = 0
  readonly owners = new Map<RunId, Owner>()
  /** Epochs in the checkpoint of a RUN. */
  readonly checkpoints = new Map<RunId, number>()
  readonly markers = new Map<RunId, SimMarker>()
  /** Segments of the journal, one a leader's life. */
  readonly segments: JournalRecord[][] = []
  /** Bytes of the journal that are no good record. */
  damaged = 0
  frozenUntil = 0
  journalFailsUntil = 0
  markersFailUntil = 0
  private readonly clock: Clock
  private readonly random: Random

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
  }

  /** Seconds until something asked for now is done. */
  latency(): number {
    return Math.max(0, this.frozenUntil - this.clock.now) + this.random.logBetween(0.0002, 0.02)
  }

  /** As readJournalTail: from the last whole snapshot on. */
  replay(): Replayed {
    const whole = this.segments.findLastIndex(s =>
      s.some(record => record.type === 'snapshot' && record.last),
    )
    const found = newReplay()
    for (const record of this.segments.slice(Math.max(0, whole)).flat()) replay(found, record)
    return { ...found, damaged: this.damaged }
  }
}

/** As RETRY_MS of src/engine/journal.ts, in seconds. */
const RETRY = [0.05, 0.2, 1, 3, 10]
const GROUP = 0.005

interface Waiting {
  /** undefined: only wants to know when what was before it is durable. */
  readonly record: JournalRecord | undefined
  readonly resolve: () => void
  readonly reject: () => void
}

/** The leader's end of the journal: group commit, retries, and what a crash leaves of a group. */
export class SimJournal {
  private readonly disk: Disk
  private readonly process: Process
  private readonly random: Random
  private readonly segment: JournalRecord[] = []
  private readonly onDurable: (record: JournalRecord) => void
  private waiting: Waiting[] = []
  private writing: Waiting[] = []
  /** Of groups that were given up: they come with the next one. */
  private unwritten: (JournalRecord | undefined)[] = []

  constructor(
    disk: Disk,
    process: Process,
    random: Random,
    onDurable: (record: JournalRecord) => void,
  ) {
    this.disk = disk
    this.process = process
    this.random = random
    this.onDurable = onDurable
    disk.segments.push(this.segment)
  }

  get isIdle(): boolean {
    return this.waiting.length + this.writing.length + this.unwritten.length === 0
  }

  /** As Journal.settled. */
  settled(resolve: () => void): void {
    if (this.isIdle) resolve()
    else this.append(undefined, resolve, () => undefined)
  }

  append(record: JournalRecord | undefined, resolve: () => void, reject: () => void): void {
    this.waiting.push({ record, resolve, reject })
    if (this.waiting.length === 1 && this.writing.length === 0)
      this.process.after(this.random.chance(0.5) ? 0 : GROUP, () => this.commit())
  }

  /** The leader died: of what was being written a part may be there. */
  cut(): void {
    const { writing } = this
    this.writing = []
    this.waiting = []
    for (const { record } of writing.slice(0, this.random.int(0, writing.length))) this.keep(record)
  }

  private commit(): void {
    this.writing = this.waiting
    this.waiting = []
    this.write(0)
  }

  private write(fault: number): void {
    this.process.after(this.disk.latency(), () => {
      if (this.disk.journalFailsUntil > this.process.now()) {
        const wait = RETRY[fault]
        if (wait !== undefined) this.process.after(wait, () => this.write(fault + 1))
        else {
          this.unwritten.push(...this.writing.map(w => w.record))
          this.done(w => w.reject())
        }
        return
      }
      for (const record of this.unwritten.splice(0)) this.keep(record)
      for (const { record } of this.writing) this.keep(record)
      this.done(w => w.resolve())
    })
  }

  private done(tell: (w: Waiting) => void): void {
    const group = this.writing
    this.writing = []
    if (this.waiting.length > 0) this.process.after(0, () => this.commit())
    for (const one of group) tell(one)
  }

  private keep(record: JournalRecord | undefined): void {
    if (!record) return
    this.segment.push(record)
    this.onDurable(record)
  }
}
