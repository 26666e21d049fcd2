import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Dealer, Router, context, curveKeyPair, type MessageLike } from 'zeromq'
import { HedError } from '../base/errors.js'
import { MAX_FRAME } from './protocol.js'

/**
 * The one door to ZeroMQ: TCP with CURVE, one sender a socket. CURVE proves the leader to its agents and
 * hides what is said; the token, at the head of each of their frames, proves them to the leader. ZeroMQ's
 * own way (ZAP) would keep two more queues open for each peer, 12 kB of memory, and a question at each start.
 */
export interface Keys {
  readonly server: { readonly publicKey: string; readonly secretKey: string }
  /** 256 random bits in base64url. */
  readonly token: string
}

export function newKeys(): Keys {
  return { server: curveKeyPair(), token: randomBytes(32).toString('base64url') }
}

/** Sockets that this process may open; to be called before the first one. libzmq's own limit is 1023. */
export function allowSockets(count: number): void {
  context.maxSockets = count
}

/**
 * Of every socket. ZMTP's own heartbeats are not used: libzmq 4.3.5 aborts the process where one is due on a
 * connection that broke while its input was stopped (libzmq issues 4364, 3937). An agent that hears nothing
 * dials again instead, and what is dead without a word is left to the kernel's probes. A full queue would
 * stop input too, so there is no limit to what waits to be read: only who knows the leader's key sends.
 */
const COMMON = {
  linger: 500,
  maxMessageSize: MAX_FRAME + 64, // and the token
  receiveHighWaterMark: 0,
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 60,
  tcpKeepaliveInterval: 10,
  tcpKeepaliveCount: 6,
} as const

export interface ServerSocket {
  /** `tcp://127.0.0.1:40123` */
  readonly addresses: readonly string[]
  /** Dropped, and counted by `onUndelivered`, where the peer is gone. */
  send(to: string, frame: string): void
  /** Frames that could not be delivered or are none of ours, and connections that knew no key. */
  readonly dropped: () => number
  close(): Promise<void>
}

/**
 * ROUTER for the leader.
 * @param interfaces IP addresses to bind to, each on a free port; `127.0.0.1` and only that on one machine
 */
export async function listen(
  keys: Keys,
  interfaces: readonly string[],
  onFrame: (from: string, frame: Uint8Array) => void,
): Promise<ServerSocket> {
  const router = new Router({
    ...COMMON,
    mandatory: true, // a send to a peer that is gone fails instead of vanishing
    handover: false, // what it leaves of the old connection is what libzmq trips over
    sendTimeout: 0, // a peer that stands still must not hold up the others: its lease will tell
    sendHighWaterMark: 10_000,
    curveServer: true,
    curveSecretKey: keys.server.secretKey,
    backlog: 4096,
  })
  smallBuffers(router)
  const addresses: string[] = []
  for (const address of interfaces) {
    await router.bind(`tcp://${address}:*`)
    const bound = router.lastEndpoint
    if (bound === null) throw new HedError('PROTOCOL', `no port could be had on ${address}`)
    addresses.push(bound)
  }
  let dropped = 0
  // who has no key, speaks no ZMTP or says nothing never comes to the end of a handshake
  let unproved = 0
  const token = Buffer.from(keys.token)
  const isOurs = (frame: Uint8Array) =>
    frame.length > token.length && timingSafeEqual(frame.subarray(0, token.length), token)
  router.events.on('accept', () => unproved++)
  router.events.on('handshake', () => unproved--)
  const routes = newRoutes()
  const outbox = sender(
    frames => router.send(frames),
    () => dropped++,
  )
  const reading = read(router, frames => {
    const [from, frame] = frames
    if (from && frame && frames.length === 2 && isOurs(frame))
      onFrame(routes.heard(from.toString()), frame.subarray(token.length))
    else dropped++
  })
  return {
    addresses,
    send: (to, frame) => outbox.push([routes.to(to), frame]),
    dropped: () => dropped + Math.max(0, unproved),
    close: async () => {
      await outbox.drained()
      onFrame = () => undefined
      router.close()
      await reading
    },
  }
}

/** ZMQ_IN_BATCH_SIZE and ZMQ_OUT_BATCH_SIZE: libzmq has them, zeromq.js has no names for them. */
const IN_BATCH_SIZE = 101
const OUT_BATCH_SIZE = 102
/**
 * Bytes that the leader keeps ready for each peer and direction. libzmq's 8192 make 45 kB a peer, 450 MB for
 * ten thousand; 512 hold what is said most of the time (37 kB a peer), and larger messages pass beside them.
 */
const BATCH_BYTES = 512

function smallBuffers(router: Router): void {
  const raw = router as unknown as { setInt32Option(option: number, value: number): void }
  try {
    raw.setInt32Option(IN_BATCH_SIZE, BATCH_BYTES)
    raw.setInt32Option(OUT_BATCH_SIZE, BATCH_BYTES)
  } catch {
    // a libzmq without them needs more memory, that is all
  }
}

/** Agents by the last connection that each has opened: its routing id is `ID.N`, N growing. */
function newRoutes() {
  const latest = new Map<string, number>()
  return {
    /** @returns the agent's id */
    heard: (routing: string): string => {
      const at = routing.indexOf('.')
      if (at < 0) return routing
      const id = routing.slice(0, at)
      const dial = Number(routing.slice(at + 1))
      if (dial > (latest.get(id) ?? 0)) latest.set(id, dial)
      return id
    },
    to: (id: string): string => {
      const dial = latest.get(id)
      return dial === undefined ? id : `${id}.${dial}`
    },
  }
}

export interface ClientSocket {
  send(frame: string): void
  /** Give the connection up, which may be dead without a word, and open another. */
  redial(): void
  close(): Promise<void>
}

/**
 * DEALER for an agent. Reconnects by itself, silently: leases tell whether the leader lives.
 * @param addresses of the leader, the likeliest first: where one is silent the next is tried
 * @param id without a dot
 */
export function connect(
  keys: Keys,
  addresses: readonly string[],
  id: string,
  onFrame: (frame: Uint8Array) => void,
): ClientSocket {
  if (addresses.length === 0) throw new HedError('PROTOCOL', 'the leader has given no address')
  // one after another: a ROUTER behind two of them would see one routing id twice
  let at = 0
  let isHeard = false
  let dials = 0
  let dealer = dial()
  const outbox = sender(
    frames => dealer.send(frames),
    () => undefined,
  )
  return {
    send: frame => outbox.push([keys.token + frame]),
    redial: () => {
      const old = dealer
      dials++
      // one that has served may do so again
      if (!isHeard) at = (at + 1) % addresses.length
      isHeard = false
      dealer = dial()
      old.linger = 0
      old.close()
    },
    close: async () => {
      await outbox.drained()
      dealer.close()
    },
  }

  function dial(): Dealer {
    const opened = newDealer(keys, dials === 0 ? id : `${id}.${dials}`)
    opened.connect(addresses[at]!)
    void read(opened, frames => {
      if (!frames[0] || frames.length > 1) return
      isHeard = true
      onFrame(frames[0])
    })
    return opened
  }
}

/** Until it is closed. Its own iterator makes three promises more for each message. */
async function read(
  socket: Dealer | Router,
  onMessage: (frames: readonly Buffer[]) => void,
): Promise<void> {
  for (;;) {
    let frames: readonly Buffer[]
    try {
      frames = await socket.receive()
    } catch (error) {
      if (socket.closed) return
      throw error
    }
    onMessage(frames)
  }
}

function newDealer(keys: Keys, routingId: string): Dealer {
  const own = curveKeyPair()
  return new Dealer({
    ...COMMON,
    routingId,
    // a connection that libzmq has given up takes nothing any more: what is said then is said again at a beat
    sendTimeout: 0,
    curveServerKey: keys.server.publicKey,
    curvePublicKey: own.publicKey,
    curveSecretKey: own.secretKey,
    reconnectInterval: 100,
    reconnectMaxInterval: 5_000,
    connectTimeout: 10_000,
  })
}

/** zeromq.js allows one send in flight a socket: a queue, and one loop that empties it. */
function sender(
  send: (frames: MessageLike[]) => Promise<void>,
  onFailure: (error: unknown) => void,
): { push: (frames: MessageLike[]) => void; drained: () => Promise<void> } {
  let queue: MessageLike[][] = []
  let running: Promise<void> | undefined
  const run = async () => {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      for (const frames of batch)
        try {
          await send(frames)
        } catch (error) {
          onFailure(error) // EHOSTUNREACH: the peer is gone, its lease or its exit will tell
        }
    }
    running = undefined
  }
  return {
    push: frames => {
      queue.push(frames)
      running ??= run()
    },
    drained: async () => {
      await running
    },
  }
}
