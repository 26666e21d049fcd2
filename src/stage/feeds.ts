import { isCount, isNumber, list, maybe, shape } from '../base/shape.js'
import { TAG } from './tags.js'
import { STRIPES } from './member.js'
import type { Store } from './store.js'
import type { Channel, Message } from './wire.js'

/** Chunks under way to one child: enough that the way is never empty, few enough that a slow child holds little memory. */
const CREDIT = 4

/** A child's first message: it wants what it misses of one stripe, from its chunk `from` on. */
export interface Want extends Message {
  readonly type: 'want'
  readonly stripe: number
  readonly from: number
  /** Entries that it misses; absent: all. */
  readonly need?: readonly number[]
}

/** Followed by its bytes. */
export interface ChunkMessage extends Message {
  readonly type: 'chunk'
  readonly chunk: number
  /** Segments of the chunk. */
  readonly which: readonly number[]
  /** Their tags, one behind the other, base64. */
  readonly tags: string
}

export function isWant(message: Message): message is Want {
  return message.type === 'want' && wantFields(message)
}
const wantFields = shape({ stripe: isCount, from: isCount, need: maybe(list(isCount)) })

export function isChunkMessage(message: Message): message is ChunkMessage {
  return message.type === 'chunk' && chunkFields(message)
}
const chunkFields = shape({
  chunk: isCount,
  which: list(isCount),
  tags: v => typeof v === 'string',
  bytes: isNumber,
})

export function tagsOf({ tags }: ChunkMessage): Buffer[] {
  const all = Buffer.from(tags, 'base64')
  return Array.from({ length: all.length / TAG }, (_, n) => all.subarray(n * TAG, (n + 1) * TAG))
}

/** Those who are fed from a store, each at its own pace: nobody waits for another. */
export class Feeds {
  /** Bytes that were sent. */
  sent = 0
  private readonly store: Promise<Store>
  private readonly cursors = new Map<Channel, { stripe: number; next: number }>()

  constructor(store: Promise<Store>) {
    this.store = store
  }

  /** Serve whoever has come in. @param first its first message, if it has been read */
  accept(channel: Channel, first?: Want): void {
    let credit = CREDIT
    let wake: (() => void) | undefined
    let begun = false
    const onMessage = (message: Message) => {
      if (message.type === 'ack') {
        credit++
        wake?.()
      } else if (!begun && isWant(message) && message.stripe < STRIPES) {
        begun = true
        const ready = async () => {
          while (credit <= 0 && channel.isOpen) await new Promise<void>(r => (wake = r))
          credit--
        }
        this.feed(channel, message, ready).catch((error: unknown) => channel.close(error as Error))
      } else channel.close(new Error('what is asked for is not understood'))
    }
    channel.listen({
      onMessage: (message, piece) => {
        piece?.release()
        onMessage(message)
      },
      onClose: () => {
        this.cursors.delete(channel)
        wake?.()
      },
    })
    if (first) onMessage(first)
  }

  /** Chunks that the first of those fed is behind `chunk`; 0 where nobody is fed. */
  lag(chunk: number): number {
    const first = new Map<number, number>()
    for (const { stripe, next } of this.cursors.values())
      first.set(stripe, Math.max(first.get(stripe) ?? 0, next))
    return Math.max(0, ...[...first.values()].map(next => chunk - next))
  }

  private async feed(channel: Channel, want: Want, ready: () => Promise<void>): Promise<void> {
    const store = await this.store
    const need = want.need && new Set(want.need)
    const cursor = { stripe: want.stripe, next: 0 }
    this.cursors.set(channel, cursor)
    for (let c = want.from * STRIPES + want.stripe; c < store.chunks.length; c += STRIPES) {
      cursor.next = c
      const which = store.chunks[c]!.flatMap((s, n) => ((need?.has(s.entry) ?? true) ? [n] : []))
      if (which.length === 0) continue
      await ready()
      await store.whenHere(c)
      if (!channel.isOpen) return
      const { tags, piece } = await store.read(c, which)
      const bytes = which.reduce((sum, n) => sum + store.chunks[c]![n]!.size, 0)
      const message = { type: 'chunk', chunk: c, which, bytes }
      const text = Buffer.concat(tags).toString('base64')
      await channel.send({ ...message, tags: text }, [piece.buffer.subarray(0, bytes)])
      piece.release()
      this.sent += bytes
    }
    this.cursors.delete(channel)
  }
}
