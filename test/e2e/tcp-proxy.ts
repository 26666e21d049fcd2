import * as fs from 'node:fs'
import * as net from 'node:net'
import { join } from 'node:path'
import { writeAtomicSync } from '../../src/base/files.js'

/**
 * A network that misbehaves between agents and their leader.
 *
 *     agent ──TCP──> proxy ──TCP──> leader
 *
 * TCP cannot lose bytes inside a stream. So what a fault swallowed ends its connection when the fault
 * ends, as after a partition that outlived the retransmissions; loss is emulated as stalls.
 */
export type Fault =
  | { readonly type: 'pass' }
  /** Black hole. Connections are accepted and swallow what they get; not even a FIN comes through. */
  | { readonly type: 'drop'; readonly way: 'both' | Way }
  /** Every chunk comes `ms` late, in order. */
  | { readonly type: 'delay'; readonly ms: number }
  /** `share` of the chunks, and all behind them, stall up to `ms`, as long as a retransmission takes. */
  | { readonly type: 'loss'; readonly share: number; readonly ms: number }
  /** A chunk in `share` resets its connection instead of coming through. */
  | { readonly type: 'resets'; readonly share: number }
  /** One side of all connections is closed; the other stays open and swallows. New ones pass. */
  | { readonly type: 'half-open'; readonly closed: 'leader' | 'agent' }
  /** All connections are closed every `ms`. */
  | { readonly type: 'flap'; readonly ms: number }

export type Way = 'to-leader' | 'to-agent'

export interface Proxy {
  /** `tcp://127.0.0.1:40123` */
  readonly address: string
  /**
   * Replace the fault.
   * @param share of the connections that have it, drawn one by one; the others pass
   */
  set(fault: Fault, share?: number): void
  /** Where new connections go: `tcp://HOST:PORT`. */
  retarget(address: string): void
  /** Connections open now, and accepted ever. */
  counts(): { readonly open: number; readonly accepted: number }
  close(): Promise<void>
}

interface Pair {
  readonly agent: net.Socket
  readonly leader: net.Socket | undefined
  readonly links: readonly Link[]
  afflicted: boolean
  /** Only the side that talks this way is left, to find that out by itself. */
  half: Way | undefined
}

interface Link {
  readonly way: Way
  readonly to: net.Socket | undefined
  /** What is on its way, in order, and when it arrives, on the monotonic clock, in ms. */
  readonly coming: { readonly at: number; readonly act: () => void }[]
  timer: NodeJS.Timeout | undefined
  /** Something was swallowed: it cannot go on when the fault ends. */
  broken: boolean
}

/** @param target `tcp://HOST:PORT`; @param random in [0, 1), for reproducible faults */
export async function startProxy(target: string, random = Math.random): Promise<Proxy> {
  let fault: Fault = { type: 'pass' }
  let share = 1
  let accepted = 0
  let flapping: NodeJS.Timeout | undefined
  const pairs = new Set<Pair>()

  const faultOf = (pair: Pair): Fault => (pair.afflicted ? fault : { type: 'pass' })
  const end = (pair: Pair, how: 'destroy' | 'resetAndDestroy' = 'destroy') => {
    pairs.delete(pair)
    pair.agent[how]()
    if (pair.leader?.connecting === false) pair.leader[how]()
    else pair.leader?.destroy()
  }

  /** One side has closed in order: the other gets what was said before. */
  const finish = (pair: Pair) => {
    pairs.delete(pair)
    pair.agent.destroySoon()
    pair.leader?.destroySoon()
  }

  const deliver = (pair: Pair, link: Link, late: number, act: () => void) => {
    // also without delay, a chunk behind one that waits must wait
    const before = link.coming.at(-1)?.at ?? 0
    link.coming.push({ at: Math.max(before, performance.now() + late), act })
    if (link.timer === undefined) arrive(pair, link)
  }

  const arrive = (pair: Pair, link: Link) => {
    link.timer = undefined
    for (let next = link.coming[0]; next && pairs.has(pair); next = link.coming[0]) {
      const wait = next.at - performance.now()
      if (wait > 0) {
        link.timer = setTimeout(() => arrive(pair, link), Math.ceil(wait))
        return
      }
      link.coming.shift()
      if (pair.half || swallows(faultOf(pair), link.way)) link.broken = true
      else next.act()
    }
  }

  const onChunk = (pair: Pair, link: Link, chunk: Buffer) => {
    const now = faultOf(pair)
    if (now.type === 'resets' && random() < now.share) end(pair, 'resetAndDestroy')
    else deliver(pair, link, lateness(now, random), () => link.to?.write(chunk))
  }

  const onClose = (pair: Pair, link: Link) => {
    if (!pair.half) deliver(pair, link, 0, () => finish(pair))
    else if (pair.half === link.way) end(pair) // given up
  }

  const server = net.createServer({ noDelay: true }, agent => {
    accepted++
    const afflicted = random() < share
    const hole = afflicted && fault.type === 'drop' && fault.way === 'both'
    const [host, port] = parseAddress(target)
    const leader = hole ? undefined : net.connect({ host, port, noDelay: true })
    const link = (way: Way, to: net.Socket | undefined): Link => {
      return { way, to, coming: [], timer: undefined, broken: hole }
    }
    const there = link('to-leader', leader)
    const back = link('to-agent', agent)
    const pair: Pair = {
      agent,
      leader,
      links: [there, back],
      afflicted,
      half: undefined,
    }
    pairs.add(pair)
    for (const [socket, link] of [[agent, there] as const, [leader, back] as const]) {
      socket?.on('data', chunk => onChunk(pair, link, chunk))
      socket?.on('error', () => undefined) // 'close' follows
      socket?.on('close', () => onClose(pair, link))
    }
  })
  await new Promise<void>((done, fail) => {
    server.on('error', fail)
    server.listen(0, '127.0.0.1', done)
  })
  const { port } = server.address() as net.AddressInfo

  return {
    address: `tcp://127.0.0.1:${port}`,
    set: (next, of = 1) => {
      clearInterval(flapping)
      fault = next
      share = of
      for (const pair of pairs) {
        pair.afflicted = random() < share
        if (fault.type === 'half-open' && pair.afflicted) {
          pair.half = fault.closed === 'leader' ? 'to-leader' : 'to-agent'
          pair[fault.closed]?.destroy()
        } else if (!pair.half && pair.links.some(l => l.broken && !swallows(faultOf(pair), l.way)))
          end(pair)
      }
      if (next.type !== 'flap') return
      flapping = setInterval(() => {
        for (const pair of pairs) if (pair.afflicted) end(pair)
      }, next.ms)
    },
    retarget: address => (target = address),
    counts: () => ({ open: pairs.size, accepted }),
    close: async () => {
      clearInterval(flapping)
      for (const pair of pairs) end(pair)
      await new Promise<void>(done => server.close(() => done()))
    },
  }
}

/**
 * Keep a proxy between agents and whoever leads: each time a leader writes its rendezvous file, the
 * proxy leads there and the file names the proxy. An agent that reads in the few ms between goes around it.
 */
export function routeThrough(proxy: Proxy, exp: string): { readonly stop: () => void } {
  const look = () => {
    const found = readRendezvous(exp)
    const [address] = found?.addresses ?? []
    if (!found || address === undefined || address === proxy.address) return
    proxy.retarget(address)
    writeAtomicSync(file(exp), JSON.stringify({ ...found, addresses: [proxy.address] }), 0o600)
  }
  look()
  const timer = setInterval(look, 5)
  return { stop: () => clearInterval(timer) }
}

/** Resolves when the rendezvous file of a leader of at least `epoch` names the proxy. */
export async function routed(proxy: Proxy, exp: string, epoch = 0): Promise<void> {
  for (;;) {
    const found = readRendezvous(exp)
    if (found && found.epoch >= epoch && found.addresses[0] === proxy.address) return
    await new Promise(done => setTimeout(done, 5))
  }
}

interface RendezvousFile {
  readonly addresses: readonly string[]
  readonly epoch: number
}

function readRendezvous(exp: string): RendezvousFile | undefined {
  try {
    return JSON.parse(fs.readFileSync(file(exp), 'utf8')) as RendezvousFile
  } catch {
    return undefined // none yet
  }
}

function file(exp: string): string {
  return join(exp, '.engine', 'rendezvous.json')
}

function swallows(fault: Fault, way: Way): boolean {
  return fault.type === 'drop' && (fault.way === 'both' || fault.way === way)
}

/** How late a chunk comes, in ms. */
function lateness(fault: Fault, random: () => number): number {
  switch (fault.type) {
    case 'delay':
      return fault.ms
    case 'loss':
      return random() < fault.share ? random() * fault.ms : 0
    default:
      return 0
  }
}

function parseAddress(address: string): [host: string, port: number] {
  const [, host, port] = /^(?:tcp:\/\/)?(.+):(\d+)$/.exec(address) ?? []
  if (host === undefined) throw new Error(`${address}: want tcp://HOST:PORT`)
  return [host, Number(port)]
}
