import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { duration } from '../base/duration.js'
import { HedError } from '../base/errors.js'
import { oneLine } from '../base/lines.js'
import { plural } from '../base/plural.js'
import { optimiseLate } from '../base/v8.js'
import { detectPlace } from '../sites/detect.js'
import {
  defaultMeeting,
  meet,
  removeMeeting,
  tidyMeetings,
  writeMeeting,
} from '../stage/meeting.js'
import { receivePaths } from '../stage/receive-paths.js'
import { mb } from '../stage/room.js'
import { stagePaths, type Progress, type Staged } from '../stage/stage-paths.js'
import { print, printJson } from './print.js'
import { setStatus } from './status.js'

export interface StageArgs {
  readonly paths: readonly string[]
  readonly verify: boolean | undefined
  readonly delete: boolean | undefined
  readonly rendezvous: string | undefined
  readonly wait: string | undefined
  readonly rank: string | undefined
  readonly size: string | undefined
  readonly host: string | undefined
  readonly json: boolean | undefined
}

const WAIT_S = 300

/** `upf-heds stage`: the first rank reads and tells, the others receive and say nothing. */
export async function runStage(args: StageArgs, env: NodeJS.ProcessEnv): Promise<void> {
  optimiseLate()
  const paths = args.paths.slice(0, -1)
  const destination = args.paths.at(-1) ?? ''
  if (paths.length === 0)
    throw new HedError('USAGE', `stage: ${destination} alone, want what to stage and where to`, {
      hint: 'Name the folder on the nodes last: upf-heds stage PATHS... DEST',
    })
  const { rank, size } = placeOf(args, env)
  const host = args.host ?? hostname()
  const wait = numberOf('--wait', args.wait) ?? WAIT_S
  const file = args.rendezvous ?? defaultRendezvous(args.paths, env)
  const [verify, remove] = [args.verify ?? false, args.delete ?? false]
  if (rank > 0) {
    await meet(file, wait, ({ addresses, port, secret }) =>
      receivePaths({
        ...{ destination, verify, remove, addresses, port, host },
        secret: Buffer.from(secret),
      }),
    )
    return
  }
  const begun = performance.now()
  await tidyMeetings(process.cwd())
  if (size > 1) removeAtSignal(file)
  const secret = randomBytes(32).toString('hex')
  const show = progressLine(begun)
  try {
    const staged = await stagePaths({
      ...{ paths, destination, verify, remove, host, patience: wait, others: size - 1 },
      secret: Buffer.from(secret),
      onListening: port => writeMeeting(file, { addresses: addresses(), port, secret }),
      onGathered: () => removeMeeting(file),
      onProgress: show.show,
    })
    show.clear()
    tell(staged, destination, (performance.now() - begun) / 1000, size, args.json ?? false)
  } finally {
    show.clear()
    if (size > 1) await removeMeeting(file)
  }
}

/** Also one that is stopped leaves no secret behind. */
function removeAtSignal(file: string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      rmSync(file, { force: true })
      process.kill(process.pid, signal) // it ends now, as it would have
    })
}

function placeOf(args: StageArgs, env: NodeJS.ProcessEnv): { rank: number; size: number } {
  const given = numberOf('--rank', args.rank)
  const place = given === undefined ? detectPlace(env) : undefined
  const rank = given ?? place?.rank ?? 0
  const isAlone = given === undefined && !place
  const size = numberOf('--size', args.size) ?? place?.size ?? (isAlone ? 1 : undefined)
  if (size === undefined)
    throw new HedError(
      'PROTOCOL',
      `${place?.launcher ?? '--rank'} does not tell how many ranks there are`,
      {
        hint: 'Give --size.',
      },
    )
  if (rank >= size)
    throw new HedError('USAGE', `rank ${rank} of ${size} ranks: want one below ${size}`)
  return { rank, size }
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < 0)
    throw new HedError('USAGE', `${flag} is ${JSON.stringify(text)}, want a whole number`)
  return value
}

/** In the folder where all ranks were started; another one for each job and step. */
function defaultRendezvous(paths: readonly string[], env: NodeJS.ProcessEnv): string {
  const names = ['PALS_APID', 'SLURM_JOB_ID', 'SLURM_STEP_ID', 'PBS_JOBID', 'PMIX_NAMESPACE']
  const job = names.map(name => env[name] ?? '')
  return defaultMeeting(process.cwd(), [job, paths])
}

function addresses(): string[] {
  const found = Object.values(networkInterfaces())
    .flat()
    .flatMap(i => (i && i.family === 'IPv4' ? [i] : []))
  // two ranks of one machine without a network, or in a test, meet at the last
  return found.sort((a, b) => Number(a.internal) - Number(b.internal)).map(i => i.address)
}

function tell(staged: Staged, to: string, seconds: number, size: number, json: boolean): void {
  const { bytes, files, missing, read, sent, nodes, absent } = staged
  const lacking = nodes.filter(n => n.state !== 'done')
  const done = nodes.flatMap(({ name, seconds: s }) =>
    s === undefined ? [] : [{ name, seconds: s }],
  )
  const there = nodes.length - lacking.length + 1
  if (json) printJson({ bytes, files, missing, read, sent, seconds, nodes: there, lacking, done })
  else {
    const what = `${mb(bytes)} in ${plural(files, 'file')}`
    const how =
      missing === 0 && sent === 0
        ? 'was there already'
        : `${mb(read)} read, ${mb(sent)} sent on, ${mb(bytes / seconds)}/s a node`
    print([`${to}: ${what} on ${plural(there, 'node')} in ${seconds.toFixed(1)} s: ${how}`])
  }
  for (const { name, state, message } of lacking)
    console.error(
      `upf-heds: ${name}: ${oneLine(message ?? (state === 'lost' ? 'was lost' : `only ${state}`))}`,
    )
  if (absent > 0)
    throw new HedError('PROTOCOL', `${absent} of ${size} ranks have not come`, {
      hint: 'Look whether the launcher started them, and whether they see the same folder.',
    })
  if (lacking.length > 0) setStatus(5)
}

/** One line on a terminal, written again and again. */
function progressLine(begun: number): { show: (now: Progress) => void; clear: () => void } {
  const { stderr } = process
  let isShown = false
  return {
    show: ({ here, missing, share, nodes, done }) => {
      const seconds = (performance.now() - begun) / 1000
      if (!stderr.isTTY || seconds < 2) return
      const part = nodes === 0 ? (missing === 0 ? 1 : here / missing) : share
      const left = part > 0.01 ? `${duration(((1 - part) / part) * seconds)} left` : ''
      const rate = `${mb((part * missing) / seconds)}/s a node`
      const count = nodes === 0 ? '' : `${done} of ${nodes} nodes`
      const words = [`${Math.floor(100 * part)} %`, rate, left, count].filter(w => w !== '')
      stderr.write(`\r\x1b[K${words.join(' · ')}`)
      isShown = true
    },
    clear: () => {
      if (isShown) stderr.write('\r\x1b[K')
      isShown = false
    },
  }
}
