import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { dial } from './connect.js'
import { joinStaging, type Node } from './node.js'
import { Pieces } from './pieces.js'
import { scanFolder, scanPaths } from './scan.js'
import type { Source } from './serving.js'
import { serveStaging } from './source.js'
import { requireRoom } from './room.js'
import { openRoot } from './root.js'
import { Store } from './store.js'

/**
 * One folder from one node to all others: read once, passed on from node to node.
 *
 *   // on the node that has it: `folder` must not change while it is served
 *   const source = await serveFolder(folder, { secret, expected: nodes - 1 })
 *   … tell the others: its addresses, source.port and the secret (a file of mode 0600)
 *   await source.finished                    // what became of each node; needs no waiting if nobody cares
 *   await source.close()                     // nothing more is served
 *
 *   // on each other node: `into` is an empty folder of this user with mode 0700
 *   const node = await fetchFolder(into, { addresses, port, secret, name: hostname() })
 *   await node.whole                         // all files are under `into`, and are what they were
 *   await rename(into, target)               // allowed: others go on being fed from it
 *   await node.over                          // nobody needs this node any more; or `await node.close()`
 *
 * In `stageOnce(target, verify, fill)` the middle two are `fill`. A node that closes early, or dies, costs the others only
 * the time to find another parent. Addresses of the nodes, the tree, nodes that come late, die, or are slow: all that
 * is between the nodes and the source. A node that cannot go on (`whole` rejects: full disk, the source is gone for 15 s) can
 * read the data for itself.
 */
export interface ServeOptions {
  /** Who does not know it gets nothing: some 32 random bytes as text. */
  readonly secret: string
  /** Nodes that will fetch, or say that they need not; the tree is laid out when they are here, or 2 s after the last who came. */
  readonly expected?: number
  /** Names in the folder that are served. Default: all. */
  readonly only?: readonly string[]
  /** Address to listen on. Default: all. */
  readonly host?: string
  /** Seconds until `finished` waits no more for nodes that were expected. Default: 600 */
  readonly patience?: number
}

export async function serveFolder(folder: string, options: ServeOptions): Promise<Source> {
  const { secret, expected, only, host, patience = 600 } = options
  const found = only
    ? await scanPaths(only.map(name => join(folder, name)))
    : await scanFolder(folder)
  const manifest = { key: randomBytes(32).toString('hex'), entries: found.map(f => f.entry) }
  const root = await openRoot(folder)
  const pieces = new Pieces()
  const store = new Store(root, manifest, [], pieces)
  const source = await serveStaging({
    ...{ manifest, store, pieces, expected, host, patience },
    secret: Buffer.from(secret),
  }).catch(async (error: unknown) => {
    await root.close()
    throw error
  })
  return {
    port: source.port,
    begun: source.begun,
    gathered: source.gathered,
    finished: source.finished,
    nodes: () => source.nodes(),
    absent: () => source.absent(),
    sent: () => source.sent(),
    share: () => source.share(),
    lag: chunk => source.lag(chunk),
    close: async () => {
      await source.close()
      await root.close()
    },
  }
}

/** Where a source is: what a node must be told. */
export interface SourceAddress {
  /** Addresses of the source: the first that answers is taken. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly secret: string
  /** Tells nodes apart. Default: the host's name. */
  readonly name?: string
}

export interface FetchOptions extends SourceAddress {
  /** Bytes that are here, and bytes in all. */
  readonly onProgress?: (bytes: number, total: number) => void
}

/**
 * @param into an empty folder of this user with mode 0700
 * @throws HedError PROTOCOL if the source cannot be reached or does not know the secret
 */
export async function fetchFolder(into: string, options: FetchOptions): Promise<Node> {
  const { addresses, port, secret, name = hostname(), onProgress } = options
  const root = await openRoot(into)
  try {
    const node = await joinStaging(root, {
      ...{ addresses, port, name, secret: Buffer.from(secret) },
      ...(onProgress ? { onProgress } : {}),
      examine: async ({ entries }) => {
        await requireRoom(into, entries)
        return entries.map((_, n) => n)
      },
    })
    void node.over.then(() => root.close())
    return node
  } catch (error) {
    await root.close()
    throw error
  }
}

/** This node has what a source serves, and will not fetch it: others need not wait for it. */
export async function needNothing(source: SourceAddress): Promise<void> {
  const { addresses, port, secret, name = hostname() } = source
  const channel = await dial(addresses, port, Buffer.from(secret), new Pieces())
  await new Promise<void>(resolve => {
    channel.listen({ onMessage: () => undefined, onClose: () => resolve() })
    void channel.send({ type: 'present', name })
  })
}
