import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, HedError, messageOf } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import { isCount, isNumber, isText, list, shape } from '../base/shape.js'
import { fetchFolder, needNothing, serveFolder } from '../stage/broadcast.js'
import { privateDirectory } from '../stage/node-local.js'
import { ownAddresses } from './rendezvous.js'

/** Where the node of the leader says that it has something for the others: one small file in `.engine`, another for each job. */
export interface SourcePlace {
  readonly engine: string
  /** Of the job: what an earlier one has left, or says while it dies, is another file. */
  readonly epoch: number
  /** The node-local form of the data, or the runtime image. */
  readonly what: 'data' | 'image'
}

/** A node that serves: what `fetchFolder` wants. */
export interface Serving {
  readonly host: string
  readonly addresses: readonly string[]
  readonly port: number
  readonly secret: string
}

/** What the file holds: begun, perhaps serving, perhaps given up. */
type Word = { readonly epoch: number; readonly host: string } & (
  { readonly state: 'staging' | 'failed' } | ({ readonly state: 'serving' } & Serving)
)

const fileOf = ({ engine, what, epoch }: SourcePlace) =>
  join(engine, `${what}-source-${epoch}.json`)
/** Seconds in which it must have begun: the ranks of a job start together. */
const BEGIN_S = 60
/** Seconds for which it may stage: as an agent's patience with its own. */
const STAGE_S = 3600

const isWord = shape({ epoch: isNumber, host: isText, state: isText })
const isServing = shape({ addresses: list(isText), port: isCount, secret: isText })

/**
 * Serve a folder to the other nodes, until all have it or have gone: who comes later reads for itself.
 *
 * @param stage makes it, and says where it is and which of its files are wanted (all)
 * @param others nodes that will ask
 */
export async function serveStaged(
  place: SourcePlace,
  stage: () => Promise<{ readonly folder: string; readonly only?: readonly string[] }>,
  others: number,
  preferred: string,
): Promise<void> {
  const word = { epoch: place.epoch, host: hostname() }
  await forgetEarlier(place)
  await say(place, { ...word, state: 'staging' })
  try {
    const { folder, only } = await stage()
    const secret = randomBytes(32).toString('hex')
    const source = await serveFolder(folder, {
      ...{ secret, expected: others },
      ...(only && { only }),
    })
    const addresses = ownAddresses(preferred).all
    await say(place, { ...word, state: 'serving', addresses, port: source.port, secret })
    await source.finished
    await source.close()
  } finally {
    await serveNoMore(place)
  }
}

/** Nobody need wait for this host: its process has ended, perhaps without a word. */
export async function serveNoMore(place: SourcePlace): Promise<void> {
  const host = hostname()
  const word = await read(place)
  // a job whose leader has never led leaves its epoch to the next
  if (word && word.host !== host) return
  await say(place, { epoch: place.epoch, host, state: 'failed' })
}

/** Files of earlier jobs, which may hold a secret; also those that a process was killed over. */
async function forgetEarlier({ engine, epoch, what }: SourcePlace): Promise<void> {
  for (const name of await readdir(engine)) {
    const [, of, job] = /^\.?(\w+)-source-(\d+)\.json(\.|$)/.exec(name) ?? []
    if (of === what && Number(job) < epoch) await rm(join(engine, name), { force: true })
  }
}

function say(place: SourcePlace, word: Word): Promise<void> {
  return writeAtomic(fileOf(place), JSON.stringify(word), 0o600)
}

/** What came from another node. */
export interface Fetched {
  readonly from: string
  readonly bytes: number
  /** No other node needs this one any more. */
  readonly over: Promise<void>
}

/** Calls of a source that is called by ten thousand nodes at once; the pause between two grows from this one. */
const [CALLS, PAUSE_MS] = [5, 1000]

/**
 * Have it from the node that serves, through the nodes between.
 *
 * @param into empty, of this user alone; where it fails, empty again
 * @returns why it failed
 */
export async function fetchFrom(
  serving: Serving,
  into: string,
): Promise<Fetched | { readonly why: string }> {
  for (let call = 1; ; call++)
    try {
      const node = await fetchFolder(into, serving)
      const { bytes } = await node.whole
      return { from: serving.host, bytes, over: node.over }
    } catch (error) {
      await rm(into, { recursive: true })
      await privateDirectory(into)
      const isBusy = error instanceof HedError && error.kind === 'PROTOCOL' && call < CALLS
      if (!isBusy) return { why: `not from ${serving.host}: ${messageOf(error)}` }
      await sleep(PAUSE_MS * 2 ** (call - 1) * (0.5 + Math.random()))
    }
}

/** This node has it already: the node that serves, and so all others, need not wait for it. Faults cost them a moment. */
export async function tellPresent(place: SourcePlace): Promise<void> {
  try {
    const serving = await awaitSource(place)
    if (serving) await needNothing({ ...serving, name: hostname() })
  } catch {
    // it is waited for, for a while
  }
}

/**
 * Until the node of the leader serves.
 * @returns undefined where it does not, or is this one: each node is on its own then
 */
export async function awaitSource(place: SourcePlace): Promise<Serving | undefined> {
  const begun = performance.now()
  let limit = BEGIN_S
  for (let pause = 300; performance.now() - begun < limit * 1000; pause *= 1.2) {
    const word = await read(place)
    if (word?.epoch === place.epoch) {
      // its own node does not wait for itself
      if (word.state === 'failed' || word.host === hostname()) return undefined
      if (word.state === 'serving') return isServing(word) ? word : undefined
      limit = STAGE_S
    }
    // ten thousand nodes must not ask a shared file system all the time
    await sleep(Math.min(3000, pause) * (0.5 + Math.random()))
  }
  return undefined
}

async function read(place: SourcePlace): Promise<Word | undefined> {
  try {
    const word: unknown = JSON.parse(await readFile(fileOf(place), 'utf8'))
    return isWord(word) ? (word as Word) : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}
