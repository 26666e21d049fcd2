import { duration } from '../base/duration.js'
import { clock } from '../base/log.js'
import { plural } from '../base/plural.js'
import type { Explanation } from './explain.js'
import type { Attempt, StoryEvent } from './story.js'

/** A RUN's story for people: a heading, a table of what happened, what is known besides. */
export interface StoryText {
  readonly head: readonly string[]
  /** Columns: what, when, where, how long, how far, how it ended. */
  readonly table: readonly (readonly string[])[]
  readonly tail: readonly string[]
}

/** Lines of the log that error.json keeps; more is in the file. */
const LOG_LINES = 5

export function storyText(story: Explanation): StoryText {
  const { run, line, resolved, events, marker, result, error, notes, now } = story
  const known = Object.entries(resolved).map(([key, value]) => `${key} ${JSON.stringify(value)}`)
  const where = [...(line === null ? [] : [line]), ...known].join(', ')
  const tail: string[] = []
  if (now) {
    const { progress: p, seconds, rank } = now
    const epoch = p ? `, ${p.phase}, epoch ${p.epoch ?? 0} of ${p.epochs ?? '?'}` : ''
    tail.push(`now: on rank ${rank} for ${time(seconds)}${epoch}`)
  }
  if (marker && !marker.valid) tail.push(`its marker is not valid: ${marker.why}`)
  if (marker?.valid && result !== null) tail.push(`result: ${result}`)
  if (error && !marker?.valid) {
    tail.push(`last error: attempt ${error.attempt}, ${error.fate}: ${error.message}`)
    tail.push(...error.log.slice(-LOG_LINES).map(text => `  ${text}`))
  }
  tail.push(...notes.map(note => `note: ${note}`))
  return {
    head: [`${run}: ${summary(story)}`, ...(where === '' ? [] : [`  ${where}`])],
    table: events.map(event => row(event, story.state === 'running')),
    tail,
  }
}

function summary({ state, events, epochs, marker }: Explanation): string {
  // the journal may have lost some
  const count = Math.max(0, ...events.map(e => (e.type === 'attempt' ? e.attempt : 0)))
  const attempts = plural(count, 'attempt')
  switch (state) {
    case 'finished':
      return `finished after ${attempts}, ${plural(epochs, 'epoch')} (${marker?.reason ?? '?'})`
    case 'damaged':
      return `damaged after ${attempts}: ${marker?.why ?? '?'}`
    case 'failed':
      return `failed after ${attempts}`
    case 'running':
      return `running, ${attempts} so far`
    case 'waits':
      return `waits, ${attempts} so far, ${plural(epochs, 'epoch')} done`
    case 'not started':
      return 'not started'
  }
}

function row(event: StoryEvent, isRunning: boolean): string[] {
  switch (event.type) {
    case 'leader': {
      const job = event.job === '' ? '' : `job ${event.job}`
      return [`leader ${event.epoch}`, local(event.time), event.host, '', '', job]
    }
    case 'attempt':
      return attemptRow(event, isRunning)
    case 'quarantined':
      return ['node', '', event.node, '', '', event.on ? 'quarantined' : 'serves again']
    case 'stopped':
      return ['sweep', '', '', '', '', `stopped: ${event.reason}`]
  }
}

function attemptRow(a: Attempt, isRunning: boolean): string[] {
  const place = a.rank === null ? '?' : `rank ${a.rank} on ${a.host ?? '?'}`
  const fate =
    a.fate === null
      ? a.message || (isRunning ? 'runs' : 'no end of it is known')
      : `${a.fate}: ${a.message}`
  const then =
    a.then === null || a.then === 'finished'
      ? ''
      : `; ${a.then === 'waits' ? 'it waits' : 'given up'}`
  return [
    `attempt ${a.attempt}`,
    a.given === null ? (a.ended === null ? '?' : `until ${local(a.ended)}`) : local(a.given),
    place,
    a.seconds === null ? '' : time(a.seconds),
    a.epochs === null ? '' : `epoch ${a.epochs}`,
    fate + then,
  ]
}

function local(time: string): string {
  return clock(new Date(time))
}

/** Short ones to a tenth. */
function time(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)
}
