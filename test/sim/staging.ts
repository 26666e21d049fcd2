import {
  begin,
  newTree,
  onJoin,
  onLeave,
  onProgress,
  onTick,
  onTrouble,
  type Order,
} from '../../src/stage/tree.js'
import { STRIPES } from '../../src/stage/member.js'
import { SOURCE } from '../../src/stage/parents.js'
import { SILENT_S } from '../../src/stage/node.js'
import { Clock } from './clock.js'

/** Chunks under way to one child, as in feeds.ts. */
const CREDIT = 4
/** Seconds on the way, and until a broken connection is seen. */
const LATENCY = 50e-6

export interface Staging {
  readonly nodes: number
  readonly chunks: number
  readonly chunkBytes: number
  /** Bytes a second, each way, of every node and of the source. */
  readonly rate: number
  /** Seconds between two looks at who is slow. */
  readonly tick: number
  readonly slow?: ReadonlyMap<number, { readonly factor: number; readonly up: boolean }>
  readonly faults?: readonly Fault[]
  /** Seconds when a node comes, if not at the beginning. */
  readonly late?: ReadonlyMap<number, number>
  /** Chunks that a node has from the beginning. */
  readonly had?: ReadonlyMap<number, (chunk: number) => boolean>
}

export interface Fault {
  readonly time: number
  readonly node: number
  /** `die`: seen at once. `hang`: sends and reports nothing any more. `break`: its connections to who feeds it. */
  readonly what: 'die' | 'hang' | 'break' | 'damage'
}

interface Node {
  readonly id: number
  readonly has: Uint8Array
  count: number
  alive: boolean
  /** Seconds a byte. */
  readonly up: number
  readonly down: number
  upFree: number
  downFree: number
  readonly feeds: Set<Feed>
  readonly from: (Feed | undefined)[]
  readonly prefix: number[]
  finished: number
  damaged: boolean
}

interface Feed {
  readonly parent: Node
  readonly child: Node
  readonly stripe: number
  next: number
  credit: number
  open: boolean
}

export interface Result {
  /** Seconds until each node had all; NaN of those that never did. */
  readonly finished: number[]
  /** Chunks that the source has sent. */
  readonly sent: number
  /** Chunks that came where they were already. */
  readonly twice: number
  readonly alive: boolean[]
  readonly events: number
}

/** The whole staging in virtual time: the real tree, links that take time, and nodes that fail. */
export function simulateStaging(staging: Staging): Result {
  const { chunks, chunkBytes, rate } = staging
  const clock = new Clock()
  const tree = newTree(chunks)
  let sent = 0
  let twice = 0
  const nodes = Array.from({ length: staging.nodes + 1 }, (_, id): Node => {
    const slow = staging.slow?.get(id)
    const had = staging.had?.get(id)
    const has = Uint8Array.from({ length: chunks }, (_, c) => (id === SOURCE || had?.(c) ? 1 : 0))
    return {
      ...{ id, has, alive: true, upFree: 0, downFree: 0, feeds: new Set<Feed>(), damaged: false },
      count: has.reduce((sum, x) => sum + x, 0),
      up: (slow?.factor ?? 1) / rate,
      down: (slow && !slow.up ? slow.factor : 1) / rate,
      from: Array.from({ length: STRIPES }, () => undefined),
      prefix: Array.from({ length: STRIPES }, () => 0),
      finished: NaN,
    }
  })
  const living = () => nodes.slice(1).filter(n => n.alive)

  const obey = (orders: readonly Order[]) => {
    for (const { node, stripe, parent } of orders)
      if (tree.members.get(node)?.parent[stripe] === parent)
        clock.after(LATENCY, () => connect(nodes[node]!, stripe, nodes[parent]!))
  }
  const haveOf = (node: Node) => {
    for (let s = 0; s < STRIPES; s++)
      while (node.has[node.prefix[s]! * STRIPES + s] === 1) node.prefix[s]!++
    return node.prefix
  }
  const connect = (child: Node, stripe: number, parent: Node) => {
    if (!child.alive || tree.members.get(child.id)?.parent[stripe] !== parent.id) return
    disconnect(child.from[stripe])
    if (!parent.alive) {
      clock.after(LATENCY, () => trouble(child, stripe, parent.id))
      return
    }
    const next = haveOf(child)[stripe]! * STRIPES + stripe
    const feed: Feed = { parent, child, stripe, next, credit: CREDIT, open: true }
    child.from[stripe] = feed
    parent.feeds.add(feed)
    push(feed)
  }
  const disconnect = (feed: Feed | undefined) => {
    if (!feed) return
    feed.open = false
    feed.parent.feeds.delete(feed)
    // what was under way to it is dropped, but for what is on the wire
    const { child } = feed
    child.downFree = Math.min(child.downFree, clock.now + chunkBytes * child.down)
  }
  const trouble = (child: Node, stripe: number, parent: number) => {
    if (!child.alive || tree.members.get(child.id)?.parent[stripe] !== parent) return
    onProgress(tree, child.id, haveOf(child))
    obey(onTrouble(tree, child.id, stripe))
  }
  /** As many chunks as there is credit for set out. */
  const push = (feed: Feed) => {
    const { parent, child } = feed
    while (feed.open && parent.alive && feed.credit > 0) {
      while (child.has[feed.next] === 1) feed.next += STRIPES
      if (feed.next >= chunks || parent.has[feed.next] !== 1) return
      const chunk = feed.next
      feed.next += STRIPES
      feed.credit--
      if (parent.id === SOURCE) sent++
      const start = Math.max(clock.now, parent.upFree)
      parent.upFree = start + chunkBytes * parent.up
      clock.after(parent.upFree - clock.now, () => land(feed, chunk))
    }
  }
  /** It has left: its other end may be slower, or busy. */
  const land = (feed: Feed, chunk: number) => {
    if (!feed.open) return
    const { child, parent } = feed
    const begun = clock.now - chunkBytes * parent.up
    child.downFree = Math.max(child.downFree, begun) + chunkBytes * child.down
    clock.after(Math.max(child.downFree - clock.now, 0) + LATENCY, () => arrive(feed, chunk))
  }
  const arrive = (feed: Feed, chunk: number) => {
    const { child, stripe, parent } = feed
    if (!feed.open || !child.alive || !parent.alive) return
    if (parent.damaged) {
      disconnect(feed)
      trouble(child, stripe, parent.id)
      return
    }
    feed.credit++
    if (child.has[chunk]) twice++
    else {
      child.has[chunk] = 1
      if (++child.count === chunks) {
        child.finished = clock.now
        onProgress(tree, child.id, tree.totals)
        child.from.forEach(disconnect)
      }
      for (const f of child.feeds) push(f)
    }
    push(feed)
  }
  const join = (node: Node) => {
    if (node.alive) onJoin(tree, node.id, [...haveOf(node)])
    if (node.count === chunks) node.finished = clock.now
  }
  const happen = ({ node: id, what }: Fault) => {
    const node = nodes[id]!
    if (what === 'break') {
      for (const feed of node.from)
        if (feed?.open) {
          disconnect(feed)
          trouble(node, feed.stripe, feed.parent.id)
        }
    } else if (what === 'damage') node.damaged = true
    else if (node.alive) {
      node.alive = false
      // who only hangs is missed after a while
      if (what === 'die') obey(onLeave(tree, id))
      else clock.after(SILENT_S, () => obey(onLeave(tree, id)))
    }
  }
  const tick = () => {
    for (const node of nodes) if (node.alive) onProgress(tree, node.id, [...haveOf(node)])
    obey(onTick(tree))
    if (living().some(n => Number.isNaN(n.finished))) clock.after(staging.tick, tick)
  }

  for (const node of nodes.slice(1)) {
    const late = staging.late?.get(node.id)
    if (late === undefined) join(node)
    else clock.after(late, () => join(node))
  }
  for (const fault of staging.faults ?? []) clock.after(fault.time, () => happen(fault))
  obey(begin(tree))
  clock.after(staging.tick, tick)
  // far more than any of it takes: what has not ended by then never would
  while (clock.step(3600));
  return {
    finished: nodes.slice(1).map(n => n.finished),
    alive: nodes.slice(1).map(n => n.alive),
    sent,
    twice,
    events: clock.count,
  }
}
