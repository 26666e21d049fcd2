import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { sha256 } from './digest.js'
import { beside } from './files.js'
import { isAlive, ownIdentity, type ProcessIdentity } from './process.js'

/**
 * Names of files say which process made them: `PID-START-PLACE-BOOT`. The place is host and process
 * namespace: of a container that shares /tmp nothing can be told from here.
 */
const MARK = /(\d+)-(\w+)-([0-9a-f]{8})-([0-9a-f]{8})/
const short = (text: string) => sha256(text).slice(0, 8)

let own: string | undefined

/** This process in a name. */
export function ownMark(): string {
  const { boot, pid, start } = ownIdentity()
  return (own ??= `${pid}-${start || 'alive'}-${place()}-${short(boot)}`)
}

/** What is known of the process whose mark is in a name: undefined for none, or one of another place. */
export function stateOf(name: string): 'lives' | 'gone' | undefined {
  const [, pid, start, where, boot] = MARK.exec(name) ?? []
  if (pid === undefined || where !== place()) return undefined
  const here = ownIdentity().boot
  const found: ProcessIdentity = { boot: here, pid: Number(pid), start: start! }
  return boot === short(here) && isAlive(found) ? 'lives' : 'gone'
}

function place(): string {
  let namespace = ''
  try {
    namespace = readlinkSync('/proc/self/ns/pid')
  } catch {
    // no Linux: the host alone tells
  }
  return short(`${hostname()}/${namespace}`)
}

/** Of a file that a process of another host may write: nobody is silent for so long. */
const IDLE_MS = 24 * 60 * 60 * 1000

/**
 * As `beside`, for work that takes long and may be killed in between: the name says whose it is, and what processes
 * that are gone have left there is removed. A fault of that is no reason to stop.
 */
export function besideMarked(path: string): string {
  const folder = dirname(path)
  for (const name of namesIn(folder))
    if (name.startsWith(`.${basename(path)}.`) && BESIDE.test(name)) removeLeft(join(folder, name))
  return `${beside(path)}.${ownMark()}`
}

/** As `beside` ends a name, with a mark or without. */
const BESIDE = new RegExp(`\\.\\d+\\.[0-9a-f]{8}\\.\\d+(\\.${MARK.source})?$`)

function removeLeft(path: string): void {
  try {
    const isIdle = () => Date.now() - statSync(path).mtimeMs > IDLE_MS
    if ((stateOf(basename(path)) ?? (isIdle() ? 'gone' : 'lives')) === 'gone') rmSync(path)
  } catch {
    // somebody else has removed it, or may alone
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
