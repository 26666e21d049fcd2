import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, HedError } from '../base/errors.js'
import { readIfThere, writeAtomic, writeAtomicSync } from '../base/files.js'
import { isAlive, ownIdentity, type ProcessIdentity } from '../base/process.js'

/**
 * One leader an EXP, without flock, which Lustre and NFS may lack: `mkdir` is the lock.
 *
 *     .engine/lock/holder.json   { host, boot, pid, start, counter }
 *
 * Held on this host by a process that is gone: taken over at once. On another host: taken over when the
 * counter stood still for 30 s of our own clock.
 */
export interface Lock {
  /** Grows with every leader of the EXP: the fence that keeps a forgotten one from writing. */
  readonly epoch: number
  /**
   * Show that we live: raise the counter. Call every few seconds.
   * @returns false if the lock is ours no longer: gone with its EXP, or taken over while we stood still
   */
  beat(): Promise<boolean>
  release(): void
}

interface Holder extends ProcessIdentity {
  readonly host: string
  readonly counter: number
}

/** Counters are raised every 5 s; six missed ones mean that nobody raises them. */
const STILL_SECONDS = 30

/**
 * @param engine the `.engine` directory of an EXP
 * @throws HedError USAGE if a living leader holds it
 */
export async function acquireLock(engine: string, onWait: (text: string) => void): Promise<Lock> {
  const directory = join(engine, 'lock')
  const file = join(directory, 'holder.json')
  const mine = { host: hostname(), ...ownIdentity() }
  for (;;) {
    try {
      fs.mkdirSync(directory, { mode: 0o700 })
      break
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const held = readHolder(file)
    await waitUntilDead(file, held, mine, onWait)
    takeAway(directory, file, held)
  }
  let counter = 0
  writeAtomicSync(file, JSON.stringify({ ...mine, counter }))
  const epoch = nextEpoch(engine)
  const isMine = (text: string | undefined) => {
    const holder = parseHolder(text)
    return holder?.pid === mine.pid && holder.start === mine.start && holder.host === mine.host
  }
  return {
    epoch,
    beat: async () => {
      if (!isMine(await readFile(file, 'utf8').catch(gone))) return false
      counter++
      await writeAtomic(file, JSON.stringify({ ...mine, counter }))
      return true
    },
    release: () => {
      if (isMine(readIfThere(file))) fs.rmSync(directory, { recursive: true, force: true })
    },
  }
}

/**
 * Is the EXP not led by a living process of this host? Asked before anything of it is changed; what other hosts
 * do is seen when the lock is taken.
 * @throws HedError USAGE
 */
export function requireFree(engine: string): void {
  const held = readHolder(join(engine, 'lock', 'holder.json'))
  if (held?.host === hostname() && isAlive(held)) throw busy(held)
}

async function waitUntilDead(
  file: string,
  held: Holder | undefined,
  mine: Omit<Holder, 'counter'>,
  onWait: (text: string) => void,
): Promise<void> {
  if (held && held.host === mine.host) {
    if (isAlive(held)) throw busy(held)
    return
  }
  // another host, or a holder that died between mkdir and writing: only the clock tells
  const who = held ? `process ${held.pid} on ${held.host}` : 'an unknown process'
  onWait(`the EXP is locked by ${who}; waiting up to ${STILL_SECONDS} s for a sign of life`)
  const end = performance.now() + (held ? STILL_SECONDS : 2) * 1000
  while (performance.now() < end) {
    await sleep(500)
    const now = readHolder(file)
    if (now === undefined && held !== undefined) return // released
    if (now && (now.counter !== held?.counter || now.pid !== held.pid)) throw busy(now)
  }
}

/** Only what was seen to be dead goes: rename is atomic, and what comes away must be what was judged. */
function takeAway(directory: string, file: string, held: Holder | undefined): void {
  if (JSON.stringify(readHolder(file)) !== JSON.stringify(held)) return
  const away = `${directory}-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    fs.renameSync(directory, away)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (JSON.stringify(readHolder(join(away, 'holder.json'))) !== JSON.stringify(held)) {
    // another was quicker, and what came away is its own: back with it
    fs.renameSync(away, directory)
    return
  }
  fs.rmSync(away, { recursive: true, force: true })
}

function busy(holder: Holder): HedError {
  return new HedError(
    'USAGE',
    `this EXP is being run by process ${holder.pid} on ${holder.host}: one leader an EXP`,
    { hint: 'Wait until it ends, or stop it with Ctrl-C or SIGTERM; then resume.' },
  )
}

/** Epoch of the latest leader; 0 where there was none. Files that no leader has made do not count. */
export function lastEpoch(engine: string): number {
  const directory = join(engine, 'epochs')
  const taken = fs.existsSync(directory) ? fs.readdirSync(directory) : []
  return Math.max(0, ...taken.filter(name => EPOCH.test(name)).map(Number))
}

/** More digits would be more than a number holds exactly. */
const EPOCH = /^\d{1,12}$/

/** The epoch of the last leader that was launched with `launch`; of one that came to no lock it is taken here. */
export function epochOfDead(engine: string, launch: number): number {
  const last = lastEpoch(engine)
  return last >= launch ? last : nextEpoch(engine)
}

/** The next number nobody has had: made with O_EXCL, so two leaders never share one. */
function nextEpoch(engine: string): number {
  const directory = join(engine, 'epochs')
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  let epoch = lastEpoch(engine) + 1
  for (;;)
    try {
      fs.closeSync(fs.openSync(join(directory, String(epoch)), 'wx'))
      return epoch
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      epoch++
    }
}

/** No file: undefined. Another fault of the disk says nothing about the lock. */
function gone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function readHolder(file: string): Holder | undefined {
  return parseHolder(readIfThere(file))
}

function parseHolder(text: string | undefined): Holder | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Holder
  } catch {
    return undefined
  }
}
