import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { secondsOf } from '../base/walltime.js'

/** What a queue takes. A queue whose longest walltime depends on the nodes has a line for each size. */
export interface Queue {
  readonly name: string
  /** Fewest and most. */
  readonly nodes: readonly [number, number]
  /** Longest walltime. */
  readonly seconds: number
}

/**
 * `NAME LEAST-MOST H:MM:SS`, with `;` between queues.
 * @returns undefined where it is something else
 */
export function parseQueues(text: string): Queue[] | undefined {
  const queues: Queue[] = []
  for (const part of text.split(';').map(words => words.trim())) {
    if (part === '') continue
    const [, name, least, most, time] =
      /^(\S+) +(\d+)(?:-(\d+))? +(\d+(?::[0-5]?\d){1,2})$/.exec(part) ?? []
    const seconds = time === undefined ? undefined : secondsOf(time)
    if (name === undefined || seconds === undefined) return undefined
    queues.push({ name, nodes: [Number(least), Number(most ?? least)], seconds })
  }
  return queues
}

/** What the schedulers of these sites take at least. */
const LEAST_SECONDS: Readonly<Record<string, number>> = { aurora: 300, polaris: 300 }

/**
 * Would the site take such a job? Asked before anything is made: the scheduler may refuse it hours later.
 * @param queues of the site; of a queue that is not among them nothing is known
 * @param seconds of walltime
 * @throws HedError USAGE naming the queues that fit
 */
export function requireQueue(
  site: string,
  queues: readonly Queue[],
  { name, nodes, seconds }: { name: string; nodes: number; seconds: number },
): void {
  if (queues.length === 0) return
  const own = queues.filter(q => q.name === name)
  const takes = (q: Queue) => nodes >= q.nodes[0] && nodes <= q.nodes[1] && seconds <= q.seconds
  const fitting = [...new Set(queues.filter(takes).map(q => q.name))]
  const hint =
    fitting.length > 0
      ? `These queues take it: ${fitting.join(', ')}.`
      : `No queue takes it; ${queues.map(limits).join('; ')}.`
  const names = [...new Set(queues.map(q => q.name))]
  if (own.length === 0) {
    if (RESERVATION.test(name) || BY_REQUEST.has(name)) return // its limits are not known here
    const text = `QUEUE is ${JSON.stringify(name)}, ${site} has ${names.join(', ')}`
    throw new HedError('USAGE', text, {
      hint: `${hint} Another that you may use goes into QUEUES.`,
    })
  }
  const job = `${plural(nodes, 'node')} for ${clock(seconds)}`
  const least = LEAST_SECONDS[site] ?? 0
  if (seconds < least)
    throw new HedError(
      'USAGE',
      `WALLTIME is ${clock(seconds)}, ${site} takes no less than ${clock(least)}`,
    )
  if (!own.some(takes))
    throw new HedError('USAGE', `${job}: queue ${own.map(limits).join('; ')}`, { hint })
}

/** Of Polaris, for those who asked. */
const BY_REQUEST: ReadonlySet<string> = new Set(['demand'])
/** As PBS names them: `R1234567`, of a maintenance `M…`, of a series `S…`. */
const RESERVATION = /^[RMS]\d+(?:\.[\w.-]+)?$/

/** `debug takes 1 to 2 nodes for at most 1:00:00` */
function limits({ name, nodes: [least, most], seconds }: Queue): string {
  return `${name} takes ${least} to ${most} nodes for at most ${clock(seconds)}`
}

/** `1:30:00` of 5400 */
export function clock(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
}
