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
  const head = [
    `${p.dir}  ${bar(p.runs === 0 ? 0 : p.done / p.runs, 24)}`,
    totals(p),
    ...whoTells(p),
  ]
  return [...head, ...ranks(p, Math.max(2, rows - head.length))].map(line =>
    line.slice(0, columns - 1),
  )
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
function ranks({ live }: Progress, room: number): string[] {
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
  if (all < room) return table([HEAD, ...lines])
  return [...table([HEAD, ...lines.slice(0, room - 2)]), `… and ${all - room + 2} more`]
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
