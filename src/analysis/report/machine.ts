import type { Fate } from '../../experiment/fate.js'
import type { JournalRecord } from '../../experiment/journal.js'
import type { Bar, Lane, LeaderLife, Machine } from './content.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type OpenBar = Mutable<Bar> & { life: number; rank: number; host: string; closed: boolean }

/** Longer messages are cut: error.json has them. */
const MESSAGE = 200

/**
 * How the ranks spent their time. The clock stands still between two leaders: a sweep that went on the next morning
 * has no idle night.
 *
 * @param indexOf index of each RUN in the plan
 * @param slots RUNs that a rank does at once
 * @param until when the last leader ended, or now; undefined: when its journal ends
 * @returns null where the journal tells of no leader
 */
export function machineOf(
  records: readonly JournalRecord[],
  indexOf: ReadonlyMap<string, number>,
  { slots, until }: { readonly slots: number; readonly until: Date | undefined },
): Machine | null {
  const { lives, bars } = readBars(records, indexOf, until)
  if (lives.length === 0) return null
  const ordered = bars.sort((a, b) => a.from - b.from)
  const lanes = assignLanes(ordered, slots)
  const told = lanes.map((lane): Lane => {
    const busy = lane.bars.reduce((sum, bar) => sum + bar.to - bar.from, 0)
    const there = lives
      .filter(life => lane.bars.some(bar => bar.from < life.to && bar.to > life.from))
      .reduce((sum, life) => sum + life.to - life.from, 0)
    return { rank: lane.rank, host: lane.host, busy, idle: Math.max(0, there - busy) }
  })
  const sum = (key: 'busy' | 'idle') => told.reduce((total, lane) => total + lane[key], 0)
  return {
    lives,
    lanes: told,
    bars: ordered.map(bar => {
      const { run, attempt, lane, from, to, fate, message, final } = bar
      return { run, attempt, lane, from, to, fate, message, final }
    }),
    busy: sum('busy'),
    idle: sum('idle'),
    idleAtEnd: Math.min(sum('idle'), idleAtEnd(lives, lanes)),
    seconds: lives.at(-1)!.to,
  }
}

function readBars(
  records: readonly JournalRecord[],
  indexOf: ReadonlyMap<string, number>,
  until: Date | undefined,
): { lives: Mutable<LeaderLife>[]; bars: OpenBar[] } {
  const lives: Mutable<LeaderLife>[] = []
  const bars: OpenBar[] = []
  const last = new Map<number, OpenBar>()
  const clock = (at: number): number => {
    const life = lives.at(-1)
    if (!life) return at
    life.to = Math.max(life.to, life.from + at)
    return life.from + at
  }
  const close = (
    { run, attempt, at }: { run: string; attempt: number; at: number },
    fate: Fate | 'finished',
    how: { message: string; final: boolean; seconds: number | null },
  ) => {
    const to = clock(at)
    const bar = last.get(indexOf.get(run) ?? -1)
    if (bar?.attempt !== attempt || bar.closed) return
    // RUNs may be given ahead: it began when the slot was free
    if (how.seconds !== null && bar.life === lives.length)
      bar.from = Math.max(bar.from, to - how.seconds)
    Object.assign(bar, {
      ...{ to, fate, closed: true, final: how.final },
      message: how.message.slice(0, MESSAGE),
    })
  }

  for (const record of records)
    switch (record.type) {
      case 'began': {
        const from = lives.at(-1)?.to ?? 0
        const { epoch, host, job, time } = record
        lives.push({ epoch, host, job, time, from, to: from })
        break
      }
      case 'given': {
        const from = clock(record.at)
        const run = indexOf.get(record.run)
        if (run === undefined) break
        const before = last.get(run)
        if (before && !before.closed) {
          // nobody told of its end: it lasted no longer than its leader
          const own = lives[before.life - 1]
          before.to = Math.min(from, own?.to ?? from)
          before.closed = true
          before.message = 'no end of it is known: its leader ended, or it was given back'
        }
        const { attempt, rank, host } = record
        const bar: OpenBar = {
          ...{ run, attempt, rank, host, from, to: from, lane: 0, life: lives.length },
          ...{ fate: null, message: '', final: false, closed: false },
        }
        bars.push(bar)
        last.set(run, bar)
        break
      }
      case 'finished': {
        const { seconds, reason: message } = record.finish
        close(record, 'finished', { message, final: true, seconds })
        break
      }
      case 'ended':
        close(record, record.fate, {
          ...{ message: record.message, final: record.final, seconds: null },
        })
        break
      case 'quarantined':
      case 'stopped':
      case 'snapshot':
    }
  const life = lives.at(-1)
  if (life && until)
    life.to = Math.max(life.to, life.from + (until.getTime() - Date.parse(life.time)) / 1000)
  for (const bar of bars) if (!bar.closed) bar.to = lives.at(-1)?.to ?? bar.from
  return { lives, bars }
}

interface OpenLane {
  readonly rank: number
  host: string
  readonly bars: OpenBar[]
}

/** The slots of a rank have no names: a bar goes where the rank has been free longest. @param bars by begin */
function assignLanes(bars: readonly OpenBar[], slots: number): OpenLane[] {
  const byRank = new Map<number, OpenLane[]>()
  for (const bar of bars) {
    const lanes = byRank.get(bar.rank) ?? []
    byRank.set(bar.rank, lanes)
    const end = (lane: OpenLane) => lane.bars.at(-1)!.to
    let lane = lanes.find(l => end(l) <= bar.from)
    if (!lane && lanes.length < slots) {
      lane = { rank: bar.rank, host: bar.host, bars: [] }
      lanes.push(lane)
    }
    if (!lane) {
      lane = lanes.reduce((a, b) => (end(b) < end(a) ? b : a))
      bar.from = Math.min(bar.to, end(lane))
    }
    lane.host = bar.host
    lane.bars.push(bar)
  }
  const lanes = [...byRank.values()].flat().sort((a, b) => a.rank - b.rank)
  for (const [at, lane] of lanes.entries()) for (const bar of lane.bars) bar.lane = at
  return lanes
}

/** Of each leader's time after it had given out its last RUN. */
function idleAtEnd(lives: readonly LeaderLife[], lanes: readonly OpenLane[]): number {
  let idle = 0
  for (const { from, to } of lives) {
    const own = lanes.map(lane => lane.bars.filter(bar => bar.from < to && bar.to > from))
    const lastGiven = own.flat().reduce((latest, bar) => Math.max(latest, bar.from), from)
    for (const bars of own) {
      if (bars.length === 0) continue
      const lastEnd = bars.reduce((latest, bar) => Math.max(latest, bar.to), lastGiven)
      idle += Math.max(0, to - lastEnd)
    }
  }
  return idle
}
