import type { Pieces } from './pieces.js'
import { dial } from './connect.js'
import { isChunkMessage, tagsOf } from './feeds.js'
import type { Store } from './store.js'
import type { Channel } from './wire.js'

/** From whom a stripe is to come. */
export interface Parent {
  readonly id: number
  readonly stripe: number
  readonly addresses: readonly string[]
  readonly port: number
}

export interface LinkEvents {
  /** A chunk is written. */
  onWritten(): void
  /** Nothing more comes from this parent. */
  onTrouble(parent: Parent, why: string): void
  /** This node's own disk fails. */
  onFault(error: unknown): void
}

/** A stripe as it comes from a parent. */
export class Link {
  readonly parent: Parent
  /** Bytes that came. */
  received = 0
  private readonly store: Store
  private readonly events: LinkEvents
  private channel: Channel | undefined
  private closed = false

  constructor(parent: Parent, store: Store, events: LinkEvents) {
    this.parent = parent
    this.store = store
    this.events = events
  }

  /** @param from first chunk of the stripe that is missing @param need entries that are, undefined: all */
  async run(
    secret: Buffer,
    pieces: Pieces,
    from: () => number,
    need: readonly number[] | undefined,
  ): Promise<void> {
    const { addresses, port, stripe } = this.parent
    try {
      this.channel = await dial(addresses, port, secret, pieces)
    } catch (error) {
      this.trouble(error)
      return
    }
    const { channel } = this
    if (this.closed) {
      channel.close()
      return
    }
    channel.listen({
      onMessage: (message, piece) => {
        const which = isChunkMessage(message) ? message.which : undefined
        const segments = isChunkMessage(message) ? this.store.chunks[message.chunk] : undefined
        const size = which?.reduce((sum, n) => sum + (segments?.[n]?.size ?? NaN), 0)
        if (!isChunkMessage(message) || !piece || size !== message.bytes) {
          piece?.release()
          channel.close(new Error('a message that is not understood'))
          return
        }
        this.take(channel, message.chunk, { which: message.which, tags: tagsOf(message), piece })
          .catch((error: unknown) => this.events.onFault(error))
          .finally(() => piece.release())
      },
      onClose: error => this.trouble(error ?? new Error('it hung up')),
    })
    const want = { type: 'want', stripe, from: from() }
    await channel.send(need ? { ...want, need } : want)
  }

  close(): void {
    this.closed = true
    this.channel?.close()
  }

  private async take(
    channel: Channel,
    chunk: number,
    bytes: Parameters<Store['put']>[1],
  ): Promise<void> {
    if (this.closed) return
    if (!this.store.isSound(chunk, bytes)) {
      channel.close(new Error(`chunk ${chunk} came damaged`))
      return
    }
    this.received += bytes.which.reduce((sum, n) => sum + this.store.chunks[chunk]![n]!.size, 0)
    await this.store.put(chunk, bytes)
    void channel.send({ type: 'ack' })
    this.events.onWritten()
  }

  private trouble(error: unknown): void {
    if (this.closed) return
    this.closed = true
    this.events.onTrouble(this.parent, error instanceof Error ? error.message : String(error))
  }
}
