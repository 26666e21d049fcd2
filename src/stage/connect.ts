import { createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { HedError, messageOf } from '../base/errors.js'
import type { Pieces } from './pieces.js'
import { answer, greet, type Channel, type Read } from './wire.js'

/** Seconds that a stranger gets to prove himself, and an address to answer. */
const PATIENCE_S = 10
/** Strangers at a time: each costs a file descriptor. */
const STRANGERS = 256
/** Seconds after which the system asks a silent connection whether it lives. */
const KEEP_ALIVE_S = 10

/**
 * Connect to whichever of the addresses answers first and knows the secret.
 * @throws HedError PROTOCOL if none does
 */
export async function dial(
  addresses: readonly string[],
  port: number,
  secret: Buffer,
  pieces: Pieces,
): Promise<Channel> {
  const tried = addresses.map(address => dialOne(address, port, secret, pieces))
  try {
    const first = await Promise.any(tried)
    for (const other of tried)
      other.then(
        channel => channel === first || channel.close(),
        () => undefined,
      )
    return first
  } catch (error) {
    const [why] = error instanceof AggregateError ? (error.errors as unknown[]) : [error]
    throw new HedError(
      'PROTOCOL',
      `${addresses.map(a => `${a}:${port}`).join(', ')}: ${messageOf(why)}`,
      { cause: why },
    )
  }
}

async function dialOne(
  host: string,
  port: number,
  secret: Buffer,
  pieces: Pieces,
): Promise<Channel> {
  const small = Buffer.allocUnsafeSlow(64 << 10)
  let channel: Channel | undefined
  let isPlaced = false
  const gate = newGate()
  const socket = new Socket({
    // bytes of a chunk are read to where they stay
    onread: {
      buffer: () => {
        const place = channel?.place()
        isPlaced = place !== undefined
        return place ?? small
      },
      callback: (count: number) => {
        if (!channel) gate.push(Buffer.from(small.subarray(0, count)))
        else if (isPlaced) channel.placed(count)
        else channel.feed(small.subarray(0, count))
        return true
      },
    },
  } as object)
  return guarded(socket, gate, async () => {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect({ host, port }, resolve)
    })
    channel = await greet(socket, gate.read, secret, pieces)
    channel.feed(gate.rest())
    return channel
  })
}

/**
 * Listen for those who know the secret, on all addresses or on one; others are dropped.
 * @returns the server and its port
 */
export async function listen(
  host: string | undefined,
  secret: Buffer,
  pieces: Pieces,
  onChannel: (channel: Channel) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  let strangers = 0
  const server = createServer(socket => {
    if (strangers >= STRANGERS) return void socket.destroy()
    strangers++
    const gate = newGate()
    let channel: Channel | undefined
    socket.on('data', bytes => {
      if (channel) channel.feed(bytes)
      else gate.push(bytes)
    })
    guarded(socket, gate, async () => {
      channel = await answer(socket, gate.read, secret, pieces)
      channel.feed(gate.rest())
      return channel
    })
      .then(onChannel, () => undefined)
      .finally(() => strangers--)
  })
  // too few file descriptors: who could not come in tries again
  server.on('error', error => console.error(`staging: ${messageOf(error)}`))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { server, port: (server.address() as AddressInfo).port }
}

/** The handshake with an end: in time, or the socket is closed. */
async function guarded(
  socket: Socket,
  gate: Gate,
  handshake: () => Promise<Channel>,
): Promise<Channel> {
  socket.setNoDelay()
  socket.setKeepAlive(true, KEEP_ALIVE_S * 1000)
  socket.on('error', gate.fail) // from then on: `close` follows
  socket.on('end', () => gate.fail(new Error('the other side hung up')))
  const late = setTimeout(() => socket.destroy(new Error('no answer')), PATIENCE_S * 1000)
  try {
    return await handshake()
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(late)
  }
}

interface Gate {
  readonly read: Read
  readonly push: (bytes: Buffer) => void
  readonly fail: (error: Error) => void
  readonly rest: () => Buffer
}

/** Bytes that come before there is a channel. */
function newGate(): Gate {
  let held = Buffer.alloc(0)
  let failed: Error | undefined
  let waiting:
    { count: number; resolve: (bytes: Buffer) => void; reject: (error: Error) => void } | undefined
  const look = () => {
    if (!waiting || held.length < waiting.count) return
    const { count, resolve } = waiting
    waiting = undefined
    const bytes = held.subarray(0, count)
    held = held.subarray(count)
    resolve(bytes)
  }
  return {
    read: count =>
      new Promise((resolve, reject) => {
        if (failed) {
          reject(failed)
          return
        }
        waiting = { count, resolve, reject }
        look()
      }),
    push: bytes => {
      held = Buffer.concat([held, bytes])
      look()
    },
    fail: error => {
      failed ??= error
      waiting?.reject(error)
    },
    rest: () => held,
  }
}
