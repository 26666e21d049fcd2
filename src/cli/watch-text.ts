import { endText, lagText, percent, ranksText } from '../analysis/progress-lines.js'
import type { Progress } from '../analysis/progress.js'
import { duration } from '../base/duration.js'
import { plural } from '../base/plural.js'
import type { LiveRun, RankStatus } from '../experiment/live-status.js'
import { bar } from './live.js'
import { table } from './print.js'

/** What `progress --watch` shows. Without any input or output. */

/** Lines for a terminal of `rows` and `columns`: totals, then a line a rank and RUN. */
export function picture(p: Progress, rows: number, columns: number): string[] {
  const width = columns - 1
  const head = [
    title(p, width),
    ...wrapped(totals(p), width),
    ...whoTells(p).flatMap(line => wrapped(line, width)),
  ]
  return [...head, ...ranks(p, Math.max(2, rows - head.length), width)].map(line =>
    line.slice(0, width),
  )
}

/** Of the bar. */
const BAR = 24

/** Of a path that is too long its end is told: there is the name of the EXP. */
function title(p: Progress, width: number): string {
  const room = Math.max(8, width - BAR - 4)
  const name = p.dir.length > room ? `…${p.dir.slice(1 - room)}` : p.dir
  return `${name}  ${bar(p.runs === 0 ? 0 : p.done / p.runs, BAR)}`
}

/** Broken at commas. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const part of text.split(/(?<=, )/)) {
    const last = lines.at(-1)
    if (last !== undefined && (last + part).trimEnd().length <= width)
      lines[lines.length - 1] = last + part
    else lines.push(part)
  }
  return lines.map(line => line.trimEnd())
}

/** As many lines of changes at once as a person reads; the rest is in the totals. */
const SHOWN = 20

/** Lines for a log: what is other than it was. Nothing where nothing is. */
export function changes(before: Progress | undefined, after: Progress): string[] {
  const lines = [...rankChanges(before, after), ...runChanges(before, after)]
  const shown = lines.slice(0, SHOWN)
  if (lines.length > SHOWN) shown.push(`… and ${lines.length - SHOWN} more changes`)
  const counts = ({ done, failed, runs, live }: Progress) =>
    `${done} ${failed} ${runs} ${live === undefined} ${live?.stopping ?? ''}`
  if (before && counts(before) === counts(after)) return shown
  return [...shown, totals(after), ...whoTells(after)]
}

/** How it ended, or why nobody tells any more. */
export function lastLine(p: Progress): string {
  const text = endText(p)
  if (text !== undefined) return `ended: ${text}`
  return p.led === null
    ? 'ended: its leader on another host shows no sign of life any more'
    : 'no leader serves it, and none ever did'
}

function totals(p: Progress): string {
  return [
    `${p.done} of ${plural(p.runs, 'RUN')} finished`,
    ...(p.failed > 0 ? [`${p.failed} failed`] : []),
    `${p.running} running`,
    ...(p.interrupted > 0 ? [`${p.interrupted} interrupted`] : []),
    ...(p.damaged > 0 ? [`${p.damaged} damaged`] : []),
    `${p.notStarted} not started`,
    ...(p.time === null ? [] : [`${duration(p.time)} elapsed`]),
    ...(p.eta === null ? [] : [`${duration(p.eta)} left`]),
    ...(p.live?.stopping ? [`stopping: ${p.live.stopping}`] : []),
  ].join(', ')
}

function whoTells({ live, led, source }: Progress): string[] {
  if (live) return [ranksText(live)]
  if (led === false) return []
  const who = led ? 'its leader does not answer' : 'its leader is on another host'
  return [`${who}; told from its ${source}`]
}

const HEAD = ['rank', 'host', 'state', 'busy', 'idle', 'lag p99', 'RUN', 'attempt', 'epoch', 'for']

/** Ranks that do not serve come first: they are what a person looks for. */
function ranks({ live }: Progress, room: number, width: number): string[] {
  if (!live || live.ranks.length === 0) return []
  const running = new Map<number, LiveRun[]>()
  for (const run of live.running) running.set(run.rank, [...(running.get(run.rank) ?? []), run])
  const order = live.ranks.toSorted(
    (a, b) => Number(a.state === 'serving') - Number(b.state === 'serving') || a.rank - b.rank,
  )
  const lines: string[][] = []
  for (const rank of order) {
    if (lines.length > room) break
    const [first, ...others] = running.get(rank.rank) ?? []
    lines.push([...rankCells(rank), ...runCells(first)])
    for (const run of others) lines.push([...HEAD.slice(0, 6).map(() => ''), ...runCells(run)])
  }
  const all = order.reduce((sum, r) => sum + Math.max(1, running.get(r.rank)?.length ?? 0), 0)
  if (all < room) return fitting([HEAD, ...lines], width)
  return [...fitting([HEAD, ...lines.slice(0, room - 2)], width), `… and ${all - room + 2} more`]
}

/** What a narrow terminal does without, first to last. */
const DISPENSABLE = ['lag p99', 'attempt', 'idle', 'host', 'state']

/** As a table of as many columns as there is room for. */
function fitting(rows: readonly (readonly string[])[], width: number): string[] {
  let columns = HEAD.map((_, column) => column)
  const lines = () => table(rows.map(row => columns.map(column => row[column] ?? '')))
  for (const name of DISPENSABLE) {
    if (lines().every(line => line.length <= width)) break
    columns = columns.filter(column => HEAD[column] !== name)
  }
  return lines()
}

function rankCells({ rank, host, state, utilisation, idle, lagP99 }: RankStatus): string[] {
  return [String(rank), host, state, percent(utilisation), duration(idle), lagText(lagP99)]
}

function runCells(run: LiveRun | undefined): string[] {
  return run ? [run.run, String(run.attempt), epochText(run), duration(run.seconds)] : []
}

function epochText({ progress }: LiveRun): string {
  return progress ? `${progress.epoch ?? 0}/${progress.epochs ?? '?'}` : '-'
}

function rankChanges(before: Progress | undefined, after: Progress): string[] {
  const known = new Map(before?.live?.ranks.map(r => [r.rank, r.state]))
  const lines: string[] = []
  for (const r of after.live?.ranks ?? []) {
    if (known.get(r.rank) !== r.state)
      lines.push(
        `rank ${r.rank} on ${r.host}: ${r.state}, busy ${percent(r.utilisation)}, ` +
          `idle ${duration(r.idle)}, loop lag p99 ${lagText(r.lagP99)}`,
      )
    known.delete(r.rank)
  }
  if (after.live) for (const rank of known.keys()) lines.push(`rank ${rank}: gone`)
  return lines
}

function runChanges(before: Progress | undefined, after: Progress): string[] {
  const known = new Map(
    before?.live?.running.map(r => [`${r.run} ${r.attempt}`, r.progress?.epoch ?? 0]),
  )
  return (after.live?.running ?? []).flatMap(r => {
    const epoch = known.get(`${r.run} ${r.attempt}`)
    const where = `rank ${r.rank}, ${duration(r.seconds)}`
    if (epoch === undefined)
      return [`${r.run} runs${r.attempt > 1 ? `, attempt ${r.attempt}` : ''}: ${where}`]
    return epoch === (r.progress?.epoch ?? 0) ? [] : [`${r.run} epoch ${epochText(r)}: ${where}`]
  })
}
