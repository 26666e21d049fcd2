import { duration } from '../base/duration.js'
import { clock } from '../base/log.js'
import type { LiveStatus } from '../experiment/live-status.js'
import type { Progress } from './progress.js'

/** For people; label and value, upstream's labels first. */
export function progressLines(p: Progress): [string, string][] {
  const lines: [string, string | undefined][] = [
    ['DIR:', p.dir],
    ['JOB:', p.job ?? '-'],
    ['JSON:', p.json],
    ['PROCS:', String(p.procs)],
    ['PPN:', String(p.ppn)],
    ['epochs:', String(p.epochs)],
    ['OUTs:', String(p.outs)],
    ['RUNs:', String(p.runs)],
    ['NEWs:', String(p.news)],
    ['DONE:', String(p.done)],
    ['MKRs:', String(p.done)],
    ['failed:', String(p.failed)],
    ['running:', String(p.running)],
    ['interrupted:', p.interrupted > 0 ? String(p.interrupted) : undefined],
    ['damaged:', p.damaged > 0 ? `${p.damaged}, resume does them again` : undefined],
    ['not started:', String(p.notStarted)],
    ['ranks:', p.live && ranksText(p.live)],
    ['alerts:', p.alerts > 0 ? `${p.alerts}, see ${p.dir}/alerts.txt` : undefined],
    ['ETA:', p.eta === null ? undefined : duration(p.eta)],
    ['TIME:', p.time === null ? undefined : `${p.time.toFixed(1)} s`],
    ['STOP:', endText(p)],
  ]
  return lines.filter((line): line is [string, string] => line[1] !== undefined)
}

/** How it ended; undefined while it runs, or may run. */
export function endText(p: Progress): string | undefined {
  if (p.ended) {
    const time = new Date(p.ended.time)
    const at = Number.isNaN(time.getTime()) ? p.ended.time : clock(time)
    return `${p.ended.reason} (exit ${p.ended.exit}) at ${at}`
  }
  if (p.led !== false || p.news === 0) return undefined
  // a journal whose end is lost looks like one that was never longer
  const counted = p.source === 'journal' ? ' (counted by its journal; --verify counts markers)' : ''
  return `the leader is gone and left no word${counted}; go on with: upf-heds resume ${p.dir}`
}

/** `3 serving, 1 suspect, busy 97 %, loop lag p99 12 ms` */
export function ranksText({ ranks, lagP99 }: LiveStatus): string {
  const states = new Map<string, number>()
  for (const { state } of ranks) states.set(state, (states.get(state) ?? 0) + 1)
  const shares = ranks.map(r => r.utilisation)
  const busy = shares.reduce((a, b) => a + b, 0) / ranks.length
  return [
    ...[...states].map(([state, count]) => `${count} ${state}`),
    ...(ranks.length > 0 ? [`busy ${percent(busy)}`] : ['none yet']),
    `leader's loop lag p99 ${lagText(lagP99)}`,
  ].join(', ')
}

/** `97 %` */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** `12 ms`; `-` where nothing was measured yet. */
export function lagText(ms: number | null): string {
  return ms === null || Number.isNaN(ms) ? '-' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
