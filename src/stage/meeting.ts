import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256 } from '../base/digest.js'
import { codeOf, HedError } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import { isCount, isText, list, shape } from '../base/shape.js'
import { ownMark, stateOf } from '../base/mark.js'

/** Where the source listens, and what proves that one may ask: a file of mode 0600 that all nodes see. */
export interface Meeting {
  /** Who wrote it: mark.ts. */
  readonly mark: string
  readonly addresses: readonly string[]
  readonly port: number
  /** 32 random bytes, hex. */
  readonly secret: string
}

/** One that is the default's: `defaultMeeting`. */
const OURS = /^\.upf-heds-stage-[0-9a-f]{12}\.json$/
/** Of one whose writer is on another host nothing else is known: no staging takes so long to begin. */
const OLD_MS = 24 * 60 * 60 * 1000

/** In a folder that all ranks see. @param what tells jobs and their stagings apart */
export function defaultMeeting(folder: string, what: unknown): string {
  return join(folder, `.upf-heds-stage-${sha256(JSON.stringify(what)).slice(0, 12)}.json`)
}

/** @throws HedError USAGE where it cannot be written */
export async function writeMeeting(path: string, meeting: Omit<Meeting, 'mark'>): Promise<void> {
  try {
    await writeAtomic(path, JSON.stringify({ ...meeting, mark: ownMark() }), 0o600)
  } catch (error) {
    throw new HedError('USAGE', `${path}: cannot be written: ${codeOf(error) ?? String(error)}`, {
      hint: 'Give --rendezvous a path in a folder that all nodes see and this user may write to.',
      cause: error,
    })
  }
}

/** Remove what stagings that were killed have left in a folder, also what was being written. */
export async function tidyMeetings(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const isOurs =
      OURS.test(name) || OURS.test(/^\.(\..*\.json)\.\d+\.\w+\.\d+$/.exec(name)?.[1] ?? '')
    if (isOurs && (await isDead(path).catch(() => false))) await rm(path, { force: true })
  }
}

async function isDead(path: string): Promise<boolean> {
  const { uid, mtimeMs } = await lstat(path)
  if (uid !== userInfo().uid) return false
  const mark = /"mark":"([^"]*)"/.exec(await readFile(path, 'utf8'))?.[1] ?? ''
  const state = stateOf(mark)
  return state === undefined ? Date.now() - mtimeMs > OLD_MS : state === 'gone'
}

export async function removeMeeting(path: string): Promise<void> {
  await rm(path, { force: true })
}

/**
 * @returns undefined if there is none (yet)
 * @throws HedError USAGE if somebody else could have written it
 */
async function readMeeting(path: string): Promise<Meeting | undefined> {
  try {
    const found = await lstat(path)
    if (!found.isFile() || found.uid !== userInfo().uid || (found.mode & 0o077) !== 0)
      throw new HedError('USAGE', `${path}: is not a file of this user alone`, {
        hint: 'Remove it, or give --rendezvous another path.',
      })
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isMeeting(value) ? (value as Meeting) : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

const isMeeting = shape({ addresses: list(isText), port: isCount, secret: isText })

/**
 * Ask again and again until `use` succeeds with what is found: a file that an earlier staging left leads nowhere.
 * @throws HedError PROTOCOL after `seconds`
 */
export async function meet<T>(
  path: string,
  seconds: number,
  use: (meeting: Meeting) => Promise<T>,
): Promise<T> {
  const end = performance.now() + seconds * 1000
  let why = 'is not there'
  for (let wait = 20; performance.now() < end; wait = Math.min(1000, wait * 1.5)) {
    const meeting = await readMeeting(path)
    if (meeting)
      try {
        return await use(meeting)
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error
        why = error.message
      }
    await sleep(wait * (0.5 + Math.random()))
  }
  throw new HedError(
    'PROTOCOL',
    `${path}: ${why}, after ${seconds} s: the first rank is not reached`,
    {
      hint: 'Look what the first rank says; --wait gives it more time, --rendezvous names a shared path.',
    },
  )
}

/** Nobody, or somebody else, is at the place that a meeting names. */
export class Unreachable extends Error {}
