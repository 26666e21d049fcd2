import { setTimeout as sleep } from 'node:timers/promises'
import { isCount, isText, list, shape } from '../base/shape.js'
import { listen } from './connect.js'
import { Feeds, isWant } from './feeds.js'
import { mayBegin } from './gathering.js'
import { SOURCE, type Tree } from './parents.js'
import type { NodeState, Source, SourceOptions } from './serving.js'
import { SILENT_S } from './node.js'
import * as tree from './tree.js'
import { STRIPES } from './member.js'
import type { Channel, Message } from './wire.js'

/** Seconds between two reports of a node; of many, so that no more than so many a second come. */
const REPORT_S = 0.1
const REPORTS_PER_SECOND = 20_000

interface Peer {
  readonly id: number
  readonly name: string
  readonly token: string
  readonly address: string
  readonly port: number
  readonly channel: Channel
  state: NodeState['state']
  message?: string
  seconds?: number
  heard: number
}

/** Serve a tree of files to all nodes that come: says who feeds whom, and feeds the first. */
export async function serveStaging(options: SourceOptions): Promise<Source> {
  const source = new Coordinator(options)
  await source.start()
  return source
}

class Coordinator implements Source {
  port = 0
  readonly begun: Promise<void>
  readonly gathered: Promise<void>
  readonly finished: Promise<NodeState[]>
  private readonly options: SourceOptions
  private readonly feeds: Feeds
  private readonly tree: Tree
  private readonly peers = new Map<number, Peer>()
  private readonly started = performance.now()
  private begin!: () => void
  private gather!: () => void
  private finish!: (nodes: NodeState[]) => void
  private listening: Awaited<ReturnType<typeof listen>> | undefined
  private timer: NodeJS.Timeout | undefined
  private spares = 0
  /** Hosts that had it already, and are no peers. */
  private readonly present = new Set<string>()
  private news = performance.now()
  private lastTick = 0
  private laidOut = performance.now()

  constructor(options: SourceOptions) {
    this.options = options
    this.feeds = new Feeds(Promise.resolve(options.store))
    this.tree = tree.newTree(options.store.chunks.length)
    this.begun = new Promise(resolve => (this.begin = resolve))
    this.gathered = new Promise(resolve => (this.gather = resolve))
    this.finished = new Promise(resolve => (this.finish = resolve))
  }

  async start(): Promise<void> {
    const { host, secret, pieces } = this.options
    this.listening = await listen(host, secret, pieces, channel => this.accept(channel))
    this.port = this.listening.port
    this.timer = setInterval(() => this.onTick(), REPORT_S * 1000)
  }

  nodes(): NodeState[] {
    return [...this.peers.values()].map(({ id, name, state, message, seconds }) => ({
      ...{ id, name, state },
      ...(message === undefined ? {} : { message }),
      ...(seconds === undefined ? {} : { seconds }),
    }))
  }

  absent(): number {
    const come = this.peers.size + this.spares + this.present.size
    return Math.max(0, (this.options.expected ?? 0) - come)
  }

  sent(): number {
    return this.feeds.sent
  }

  share(): number {
    const nodes = [...this.tree.members.values()].filter(m => m.id !== SOURCE)
    const all = nodes.length * this.options.store.chunks.length
    const have = nodes.reduce((sum, m) => sum + m.have.reduce((a, b) => a + b, 0), 0)
    return all === 0 ? 1 : have / all
  }

  lag(chunk: number): number {
    return this.feeds.lag(chunk)
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    this.listening?.server.close()
    const open = [...this.peers.values()].filter(p => p.channel.isOpen)
    await Promise.race([
      Promise.all(open.map(p => p.channel.send({ type: 'over' }))),
      sleep(1000, undefined, { ref: false }),
    ])
    for (const { channel } of open) channel.end()
    this.finish(this.nodes())
  }

  /** A node that joins, or one that is to be fed: its first message tells. */
  private accept(channel: Channel): void {
    let peer: Peer | undefined
    channel.listen({
      onMessage: (message, piece) => {
        piece?.release()
        if (peer) this.onMessage(peer, message)
        else if (isWant(message)) this.feeds.accept(channel, message)
        else if (message.type === 'join' && isJoin(message)) peer = this.onJoin(channel, message)
        else if (message.type === 'present' && isPresent(message)) this.onPresent(channel, message)
        else channel.close(new Error('a message that is not understood'))
      },
      onClose: () => {
        if (peer) this.onGone(peer)
      },
    })
  }

  /** It has all that it wants: nobody need wait for it. Several processes of a host may say so. */
  private onPresent(channel: Channel, message: Message): void {
    const name = message['name'] as string
    if (![...this.peers.values()].some(p => p.name === name)) this.present.add(name)
    channel.end()
    this.lookWhetherAllAreHere()
    this.lookWhetherFinished()
  }

  private onJoin(channel: Channel, message: Message): Peer | undefined {
    const name = message['name'] as string
    this.news = performance.now()
    this.present.delete(name)
    const token = message['token'] as string
    for (const p of this.peers.values())
      if (p.token === token) {
        p.channel.close() // it calls again: the old connection is dead, whatever it seems
        this.onGone(p)
        this.peers.delete(p.id)
      }
    const isOnSame = (p: Peer) => p.name === name && p.channel.isOpen
    if (this.options.name !== undefined) {
      // one rank a host does the work
      if (name === this.options.name || [...this.peers.values()].some(isOnSame)) {
        this.spares++
        void channel.send({ type: 'spare' }).then(() => channel.end())
        return undefined
      }
    }
    const peer: Peer = {
      id: nextId++,
      name,
      token,
      address: channel.remoteAddress,
      port: message['port'] as number,
      channel,
      state: 'joined',
      heard: performance.now(),
    }
    this.peers.set(peer.id, peer)
    const { manifest, expected } = this.options
    const every = Math.max(REPORT_S, (expected ?? this.peers.size) / REPORTS_PER_SECOND)
    void channel.send({ type: 'manifest', manifest, every })
    return peer
  }

  private onMessage(peer: Peer, message: Message): void {
    peer.heard = performance.now()
    const have = isHave(message) ? (message['have'] as number[]) : undefined
    if (message.type === 'ready' && have) {
      peer.state = 'ready'
      this.news = performance.now()
      tree.onJoin(this.tree, peer.id, have)
      this.lookWhetherAllAreHere()
    } else if (message.type === 'progress' && have) tree.onProgress(this.tree, peer.id, have)
    else if (message.type === 'trouble' && isTrouble(message)) {
      const stripe = message['stripe'] as number
      const isNow = this.tree.members.get(peer.id)?.parent[stripe] === message['parent']
      if (isNow) this.order(tree.onTrouble(this.tree, peer.id, stripe))
    } else if (message.type === 'done') {
      peer.state = 'done'
      peer.seconds = (performance.now() - this.laidOut) / 1000
      tree.onProgress(this.tree, peer.id, this.tree.totals)
      this.lookWhetherFinished()
    } else if (message.type === 'failed') {
      peer.state = 'failed'
      peer.message = isText(message['message']) ? String(message['message']) : 'failed'
      peer.channel.end()
    }
  }

  private onGone(peer: Peer): void {
    if (!this.peers.has(peer.id)) return
    if (peer.state !== 'failed' && peer.state !== 'done') peer.state = 'lost'
    this.order(tree.onLeave(this.tree, peer.id))
    this.lookWhetherAllAreHere()
    this.lookWhetherFinished()
  }

  private onTick(): void {
    const now = performance.now()
    for (const peer of this.peers.values())
      if (peer.channel.isOpen && peer.state !== 'done' && now - peer.heard > SILENT_S * 1000)
        peer.channel.close(new Error('silent'))
    this.lookWhetherAllAreHere()
    this.lookWhetherFinished()
    const every = Math.max(REPORT_S, this.peers.size / REPORTS_PER_SECOND) * 1000
    if (now - this.lastTick < every) return
    this.lastTick = now
    for (const { channel } of this.peers.values()) void channel.send({ type: 'beat' })
    if (!this.tree.begun) return
    const { store } = this.options
    const source = this.tree.members.get(SOURCE)!
    const have = source.have.map((_, s) => store.havePrefix(s, STRIPES))
    tree.onProgress(this.tree, SOURCE, have)
    this.order(tree.onTick(this.tree))
  }

  private lookWhetherAllAreHere(): void {
    const { expected, patience } = this.options
    const isAll = expected !== undefined && this.absent() === 0
    if (isAll) this.gather()
    if (this.tree.begun) return
    const states = [...this.peers.values()].map(p => p.state)
    const is = mayBegin({
      now: performance.now() / 1000,
      since: this.started / 1000,
      news: this.news / 1000,
      ready: states.filter(state => state === 'ready' || state === 'done').length,
      looking: states.filter(state => state === 'joined').length,
      absent: expected === undefined ? undefined : this.absent(),
      patience,
    })
    if (!is) return
    this.laidOut = performance.now()
    this.order(tree.begin(this.tree))
    this.begin()
  }

  private lookWhetherFinished(): void {
    const { expected, patience } = this.options
    const peers = [...this.peers.values()]
    const isLate = (performance.now() - this.started) / 1000 >= patience
    const isAll = expected !== undefined && this.absent() === 0
    if (!this.tree.begun || !(isAll || isLate)) return
    if (peers.every(p => p.state !== 'joined' && p.state !== 'ready')) this.finish(this.nodes())
  }

  private order(orders: readonly tree.Order[]): void {
    for (const { node, stripe, parent } of orders) {
      // of several orders for one stripe the last holds
      if (this.tree.members.get(node)?.parent[stripe] !== parent) continue
      const feeder = this.peers.get(parent)
      const [addresses, port] = feeder ? [[feeder.address], feeder.port] : [[], this.port]
      void this.peers.get(node)?.channel.send({ type: 'feed', id: parent, stripe, addresses, port })
    }
  }
}

let nextId = 1
const isJoin = shape({ name: isText, port: isCount, token: isText })
const isHave = shape({ have: list(isCount) })
const isPresent = shape({ name: isText })
const isTrouble = shape({ stripe: isCount, parent: isCount })
