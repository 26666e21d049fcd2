import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../base/errors.js'
import { readIfThere, writeAtomic, writeAtomicSync } from '../base/files.js'
import { isText, shape } from '../base/shape.js'
import { newKeys, type Keys } from './socket.js'

/** Where the leader is: one small file in `.engine`, the only thing an agent needs besides the keys. */
export interface Rendezvous {
  readonly addresses: readonly string[]
  /** The first ones are of the interface that the site prefers. */
  readonly preferred?: true
  readonly epoch: number
  /** Where it tells how it stands: a socket on its host, for its user alone. */
  readonly status: { readonly host: string; readonly path: string }
  /** It has ended in order: nobody need wait for it. */
  readonly over?: true
}

const FILE = 'rendezvous.json'
const KEYS = 'keys.json'

export async function writeRendezvous(engine: string, rendezvous: Rendezvous): Promise<void> {
  await writeAtomic(join(engine, FILE), JSON.stringify(rendezvous), 0o600)
}

/** The leader has died for good: agents that wait for one leave. */
export async function writeNoLeader(engine: string, epoch: number): Promise<void> {
  const status = { host: '', path: '' }
  await writeRendezvous(engine, { addresses: [], epoch, status, over: true })
}

/** @returns undefined if there is none (yet) */
export async function readRendezvous(engine: string): Promise<Rendezvous | undefined> {
  try {
    return JSON.parse(await readFile(join(engine, FILE), 'utf8')) as Rendezvous
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The same, for an executor: it may block. */
export function readRendezvousSync(engine: string): Rendezvous | undefined {
  const text = readIfThere(join(engine, FILE))
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Rendezvous)
  } catch {
    return undefined
  }
}

/**
 * Wait for a leader of at least `epoch`, asking again after 20 ms, then ever more seldom up to 1 s,
 * jittered: ten thousand agents must not ask a shared file system in step.
 * @returns undefined after `limit` seconds
 */
export async function awaitRendezvous(
  engine: string,
  epoch: number,
  limit = Infinity,
): Promise<Rendezvous | undefined> {
  const end = performance.now() + limit * 1000
  for (let wait = 20; performance.now() < end; wait = Math.min(1000, wait * 1.5)) {
    const found = await readRendezvous(engine)
    if (found && found.epoch >= epoch) return found
    await sleep(wait * (0.5 + Math.random()))
  }
  return undefined
}

/**
 * Keys of this EXP, made once and kept over leader restarts; 0600, never linked, exported or logged.
 * Only the leader calls it, holding the lock: two processes that made them at once would not understand each other.
 */
export function makeKeys(engine: string): Keys {
  const path = join(engine, KEYS)
  const found = parseKeys(readIfThere(path))
  if (found) return found
  const keys = newKeys()
  writeAtomicSync(path, JSON.stringify(keys), 0o600)
  return keys
}

/** @returns undefined where there are none, or no whole ones: nobody could use those */
function parseKeys(text: string | undefined): Keys | undefined {
  try {
    const keys: unknown = text === undefined ? undefined : JSON.parse(text)
    return isKeys(keys) ? (keys as Keys) : undefined
  } catch {
    return undefined
  }
}

const isPair = shape({ publicKey: isText, secretKey: isText })
const isKeys = shape({ server: isPair, token: isText })

/** The keys, for an agent that has seen the rendezvous: they were there before it. */
export async function readKeys(engine: string): Promise<Keys> {
  return JSON.parse(await readFile(join(engine, KEYS), 'utf8')) as Keys
}

/**
 * Where other hosts reach this one; a machine without a network reaches itself.
 * @param preferred interface whose addresses come first; '' for none
 */
export function ownAddresses(preferred: string): { all: string[]; arePreferred: boolean } {
  const found = ipv4().filter(({ internal }) => !internal)
  const first = found.filter(({ name }) => name === preferred)
  const all = [...first, ...found.filter(({ name }) => name !== preferred)].map(i => i.address)
  return { all: all.length > 0 ? all : ['127.0.0.1'], arePreferred: first.length > 0 }
}

/**
 * A leader's addresses, the likeliest to be reached from here first: of those in a network that we are in, too. One
 * that is our own as well, as a bridge for containers has on every host, leads to ourselves.
 */
export function byReach({ addresses, preferred, status }: Rendezvous): string[] {
  if (status.host === hostname()) return [...addresses]
  const own = ipv4()
  const last = (address: string) => {
    const host = new URL(address.replace('tcp:', 'http:')).hostname
    if (own.some(i => i.address === host)) return 2
    return preferred || own.some(i => network(i.address, i.netmask) === network(host, i.netmask))
      ? 0
      : 1
  }
  return addresses.toSorted((a, b) => last(a) - last(b))
}

function ipv4() {
  return Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? []).filter(i => i.family === 'IPv4').map(i => ({ ...i, name })),
  )
}

function network(address: string, mask: string): string {
  const bits = mask.split('.').map(Number)
  return address
    .split('.')
    .map((part, i) => Number(part) & bits[i]!)
    .join('.')
}
