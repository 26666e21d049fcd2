import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import type { Socket } from 'node:net'
import { HedError, messageOf } from '../base/errors.js'
import { isObject, type Fields } from '../base/shape.js'
import { CHUNK } from './manifest.js'
import type { Piece, Pieces } from './pieces.js'

/**
 * Messages over TCP between two who know the same secret. Both prove that first; then each message is JSON, encrypted with
 * AES-256-GCM under a key of this connection and direction, numbered, so that none can be forged, read, repeated or left out.
 * The bytes of a chunk follow their message as they are: it names the tags that they must have (tags.ts), and
 * the key of those tags has been told in such a message.
 *
 *   client ── HELLO, nonce ──> server
 *   client <── nonce, proof ── server
 *   client ── proof ──> server             then: length (4 bytes), message, tag (16 bytes), bytes
 */
const HELLO = Buffer.from('UPF-HEDS STAGE 1')
const NONCE = 16
const PROOF = 32
const SEAL = 16
/** Bytes of a message: a list of a million files. */
const LONGEST = 512 << 20

export interface Message extends Fields {
  readonly type: string
  /** Bytes that follow. */
  readonly bytes?: number
}

export interface Handlers {
  /** @param piece the bytes that follow the message; whoever gets it releases it */
  onMessage(message: Message, piece: Piece | undefined): void
  /** Once. @param error why, if not in order */
  onClose(error: Error | undefined): void
}

export class Channel {
  private readonly socket: Socket
  private readonly seal: Direction
  private readonly open: Direction
  private readonly pieces: Pieces
  private handlers: Handlers | undefined
  private parts: Buffer[] = []
  private held = 0
  /** Bytes before which nothing can be understood. */
  private wanted = 0
  private waiting: { message: Message; piece: Piece; at: number } | undefined
  private error: Error | undefined
  private closed = false
  private feeding = false

  constructor(socket: Socket, keys: { seal: Buffer; open: Buffer }, pieces: Pieces) {
    this.socket = socket
    this.seal = { key: keys.seal, count: 0 }
    this.open = { key: keys.open, count: 0 }
    this.pieces = pieces
    socket.on('close', () => this.onClose())
  }

  /** From now on messages are handed out, those that came before first. */
  listen(handlers: Handlers): void {
    this.handlers = handlers
    if (this.closed) handlers.onClose(this.error)
    else if (!this.feeding) this.feed(Buffer.alloc(0))
  }

  /** Address of the other side. */
  get remoteAddress(): string {
    return this.socket.remoteAddress ?? ''
  }

  get isOpen(): boolean {
    return !this.closed
  }

  /** Resolves when all has been handed to the system, or the connection is gone. */
  send(message: Message, payload: readonly Uint8Array[] = []): Promise<void> {
    if (this.closed || this.socket.destroyed) return Promise.resolve()
    const bytes = sealed(this.seal, Buffer.from(JSON.stringify(message)))
    return new Promise(resolve => {
      const done = () => resolve() // called too where the connection breaks
      this.socket.cork()
      this.socket.write(bytes, payload.length === 0 ? done : undefined)
      payload.forEach((part, n) =>
        this.socket.write(part, n === payload.length - 1 ? done : undefined),
      )
      this.socket.uncork()
    })
  }

  /** @param error why, for `onClose` */
  close(error?: Error): void {
    this.error ??= error
    this.socket.destroy()
  }

  /** All that was sent is sent, then it is over. */
  end(): void {
    this.socket.end()
  }

  /** Where the next bytes of the socket shall go: of a chunk, to their place at once. */
  place(): Buffer | undefined {
    const { waiting } = this
    return waiting ? waiting.piece.buffer.subarray(waiting.at, waiting.message.bytes) : undefined
  }

  /** `count` bytes have been put where `place` said. */
  placed(count: number): void {
    this.waiting!.at += count
    this.handOver()
  }

  /** Bytes have come. */
  feed(data: Buffer): void {
    if (this.closed) return
    this.held += data.length
    if (this.held < this.wanted) {
      this.parts.push(Buffer.from(data)) // a copy: what it was read into is used again
      return
    }
    let rest = this.parts.length > 0 ? Buffer.concat([...this.parts, data]) : data
    this.wanted = 0
    this.feeding = true
    try {
      for (;;) {
        if (this.waiting) {
          const { piece, at, message } = this.waiting
          const count = rest.copy(piece.buffer, at, 0, message.bytes! - at)
          rest = rest.subarray(count)
          this.waiting.at += count
          if (!this.handOver()) break
        }
        if (rest.length < 4 || !this.handlers) break
        const length = rest.readUInt32LE(0)
        if (length > LONGEST) throw new Error(`a message of ${length} bytes`)
        this.wanted = 4 + length + SEAL
        if (rest.length < this.wanted) break
        this.wanted = 0
        const message = parse(opened(this.open, rest.subarray(4, 4 + length + SEAL)))
        rest = rest.subarray(4 + length + SEAL)
        if (message.bytes === undefined) this.handlers.onMessage(message, undefined)
        else this.waiting = { message, piece: this.pieces.take(), at: 0 }
      }
      this.parts = rest.length > 0 ? [Buffer.from(rest)] : []
      this.held = rest.length
    } catch (error) {
      this.close(new HedError('PROTOCOL', `staging: ${messageOf(error)}`, { cause: error }))
    } finally {
      this.feeding = false
    }
  }

  /** @returns false if bytes are missing */
  private handOver(): boolean {
    const { message, piece, at } = this.waiting!
    if (at < message.bytes!) return false
    this.waiting = undefined
    this.handlers!.onMessage(message, piece)
    return true
  }

  private onClose(): void {
    this.closed = true
    this.waiting?.piece.release()
    this.waiting = undefined
    this.handlers?.onClose(this.error)
  }
}

interface Direction {
  readonly key: Buffer
  count: number
}

function nonceOf(direction: Direction): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntLE(direction.count++, 0, 6)
  return nonce
}

function sealed(direction: Direction, text: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', direction.key, nonceOf(direction))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

function opened(direction: Direction, bytes: Buffer): Buffer {
  const end = bytes.length - SEAL
  const cipher = createDecipheriv('aes-256-gcm', direction.key, nonceOf(direction), {
    authTagLength: SEAL,
  })
  cipher.setAuthTag(bytes.subarray(end))
  return Buffer.concat([cipher.update(bytes.subarray(0, end)), cipher.final()])
}

function parse(text: Buffer): Message {
  const message: unknown = JSON.parse(text.toString())
  const bytes = isObject(message) ? message['bytes'] : undefined
  const isSize = typeof bytes === 'number' && bytes > 0 && bytes <= CHUNK && Number.isInteger(bytes)
  if (!isObject(message) || typeof message['type'] !== 'string' || !(bytes === undefined || isSize))
    throw new Error('not a message')
  return message as Message
}

/** The client's side of the handshake. @throws if the other side does not know the secret */
export async function greet(
  socket: Socket,
  read: Read,
  secret: Buffer,
  pieces: Pieces,
): Promise<Channel> {
  const own = randomBytes(NONCE)
  socket.write(Buffer.concat([HELLO, own]))
  const answer = await read(NONCE + PROOF)
  const theirs = answer.subarray(0, NONCE)
  if (!timingSafeEqual(answer.subarray(NONCE), proofOf(secret, 'server', own, theirs)))
    throw new HedError('PROTOCOL', 'the other side does not know the secret')
  socket.write(proofOf(secret, 'client', own, theirs))
  const seal = proofOf(secret, 'from client', own, theirs)
  return new Channel(socket, { seal, open: proofOf(secret, 'from server', own, theirs) }, pieces)
}

/** The server's side. @throws if the other side does not know the secret */
export async function answer(
  socket: Socket,
  read: Read,
  secret: Buffer,
  pieces: Pieces,
): Promise<Channel> {
  const hello = await read(HELLO.length + NONCE)
  if (!hello.subarray(0, HELLO.length).equals(HELLO)) throw new HedError('PROTOCOL', 'a stranger')
  const theirs = hello.subarray(HELLO.length)
  const own = randomBytes(NONCE)
  socket.write(Buffer.concat([own, proofOf(secret, 'server', theirs, own)]))
  const proof = await read(PROOF)
  if (!timingSafeEqual(proof, proofOf(secret, 'client', theirs, own)))
    throw new HedError('PROTOCOL', 'the other side does not know the secret')
  const seal = proofOf(secret, 'from server', theirs, own)
  return new Channel(socket, { seal, open: proofOf(secret, 'from client', theirs, own) }, pieces)
}

/** Exactly so many bytes. */
export type Read = (count: number) => Promise<Buffer>

function proofOf(secret: Buffer, what: string, client: Buffer, server: Buffer): Buffer {
  return createHmac('sha256', secret).update(`${what}\0`).update(client).update(server).digest()
}
