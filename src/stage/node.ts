import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { HedError, messageOf } from '../base/errors.js'
import { isCount, isNumber, isText, list, shape } from '../base/shape.js'
import { dial, listen } from './connect.js'
import { Feeds } from './feeds.js'
import { Link, type Parent } from './link.js'
import { parseManifest, type Manifest } from './manifest.js'
import { Pieces } from './pieces.js'
import type { Root } from './root.js'
import { Store } from './store.js'
import { STRIPES } from './member.js'
import type { Channel, Message } from './wire.js'

/** Seconds for which a source that is gone is called again. */
const LOST_S = 15
/** Seconds of silence after which a source counts as gone. */
export const SILENT_S = 30

export interface NodeOptions {
  /** Where the source listens: the first address that answers is taken. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly secret: Buffer
  /** Name of this host, for messages. */
  readonly name: string
  /** Which entries are missing under the root; told once. Throws where they cannot be staged here. */
  readonly examine: (manifest: Manifest) => Promise<number[]>
  readonly onProgress?: (bytes: number, total: number) => void
}

/** How it went on one node. */
export interface Received {
  /** Another rank of this host does it. */
  readonly spare: boolean
  /** Bytes of files that were missing, and are here now. */
  readonly bytes: number
  readonly manifest: Manifest | undefined
  /** Digest of an entry that was missing. */
  readonly digest: (entry: number) => string | undefined
}

export interface Node {
  /** All is here, under the root. @throws if it cannot be */
  readonly whole: Promise<Received>
  /** No other node needs this one any more. */
  readonly over: Promise<void>
  /** Others lose it as if it had died. */
  close(): Promise<void>
}

/** Take part in a staging: be fed, and feed others. */
export async function joinStaging(root: Root, options: NodeOptions): Promise<Node> {
  const node = new Receiver(root, options)
  await node.start()
  return {
    whole: node.whole.promise,
    over: node.over.promise,
    close: () => node.close(),
  }
}

class Receiver {
  readonly whole = deferred<Received>()
  readonly over = deferred<undefined>()
  private readonly root: Root
  private readonly options: NodeOptions
  private readonly pieces = new Pieces()
  private readonly ready = deferred<Store>()
  private readonly feeds = new Feeds(this.ready.promise)
  private readonly links: (Link | undefined)[] = []
  private readonly have: number[] = Array.from({ length: STRIPES }, () => 0)
  private control: Channel | undefined
  private listening: Awaited<ReturnType<typeof listen>> | undefined
  private manifest: Manifest | undefined
  private store: Store | undefined
  /** Tells the source that it is the same process that calls again. */
  private readonly token = randomBytes(8).toString('hex')
  private need: readonly number[] = []
  private total = 0
  private timer: NodeJS.Timeout | undefined
  private heard = performance.now()
  private ended = false
  private closing: Promise<void> | undefined

  constructor(root: Root, options: NodeOptions) {
    this.root = root
    this.options = options
    this.whole.promise.catch(() => undefined)
    this.ready.promise.catch(() => undefined)
  }

  async start(): Promise<void> {
    const { secret } = this.options
    this.listening = await listen(undefined, secret, this.pieces, channel =>
      this.feeds.accept(channel),
    )
    try {
      await this.call()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  close(): Promise<void> {
    return (this.closing ??= this.shut())
  }

  private async shut(): Promise<void> {
    this.ended = true
    clearInterval(this.timer)
    this.control?.close()
    for (const link of this.links) link?.close()
    this.listening?.server.close()
    await this.store?.clean().catch(() => undefined) // half files are no reason to say nothing
    this.whole.reject(new HedError('STOPPED', 'staging was stopped'))
    this.over.resolve(undefined)
  }

  private async call(): Promise<void> {
    const { addresses, port, secret, name } = this.options
    const control = await dial(addresses, port, secret, this.pieces)
    this.control = control
    this.heard = performance.now()
    control.listen({
      onMessage: (message, piece) => {
        piece?.release()
        this.heard = performance.now()
        this.onMessage(message).catch((error: unknown) => this.fail(error))
      },
      onClose: () => void this.onLost(),
    })
    void control.send({ type: 'join', name, port: this.listening!.port, token: this.token })
  }

  /** What is under way goes on; the source is called again for a while. */
  private async onLost(): Promise<void> {
    const end = performance.now() + LOST_S * 1000
    let why: unknown
    while (!this.ended && performance.now() < end) {
      try {
        await this.call()
        return
      } catch (error) {
        why = error
        await sleep(500)
      }
      if (this.isWhole()) break
    }
    if (this.isWhole()) this.end()
    else if (!this.ended)
      this.fail(
        new HedError('PROTOCOL', `the source of the staging is gone: ${messageOf(why)}`, {
          hint: 'Look what the first rank says, and stage again: what is here is not sent again.',
        }),
      )
  }

  private async onMessage(message: Message): Promise<void> {
    if (message.type === 'manifest') await this.onManifest(message)
    else if (message.type === 'feed' && isFeed(message)) this.onFeed(message as unknown as Parent)
    else if (message.type === 'spare') {
      this.whole.resolve({ spare: true, bytes: 0, manifest: undefined, digest: () => undefined })
      this.end()
    } else if (message.type === 'refused')
      throw new HedError('PROTOCOL', String(message['message']))
    else if (message.type === 'over') this.end()
  }

  private async onManifest(message: Message): Promise<void> {
    const manifest = parseManifest(message['manifest'])
    if (!this.manifest) {
      this.manifest = manifest
      const every = isNumber(message['every']) ? (message['every'] as number) : 0.1
      // also while it looks what it has: whoever is silent counts as dead
      this.timer = setInterval(() => this.report(), every * 1000)
      this.need = await this.options.examine(manifest)
      const store = new Store(this.root, manifest, this.need, this.pieces)
      await store.begin()
      this.store = store
      this.total = this.need.reduce((sum, n) => sum + manifest.entries[n]!.size, 0)
      this.ready.resolve(store)
    } else if (manifest.key !== this.manifest.key)
      throw new HedError('PROTOCOL', 'the source has begun another staging')
    else if (!this.store) return // it still looks what it has, and says so then
    this.advance()
    await this.control?.send({ type: 'ready', have: this.have, missing: this.total })
    await this.lookWhetherWhole()
  }

  private onFeed(parent: Parent): void {
    this.links[parent.stripe]?.close()
    // the source is known by the address that answered
    const addresses = parent.id === 0 ? [this.control!.remoteAddress] : parent.addresses
    const link = new Link({ ...parent, addresses }, this.store!, {
      onWritten: () => {
        this.lookWhetherWhole().catch((error: unknown) => this.fail(error))
      },
      onTrouble: ({ id, stripe }, why) => {
        this.report()
        void this.control?.send({ type: 'trouble', stripe, parent: id, why })
      },
      onFault: error => this.fail(error),
    })
    this.links[parent.stripe] = link
    const from = () => {
      this.advance()
      return this.have[parent.stripe]!
    }
    const isAll = this.need.length === this.manifest!.entries.length
    void link.run(this.options.secret, this.pieces, from, isAll ? undefined : this.need)
  }

  private advance(): void {
    this.have.forEach((from, s) => {
      this.have[s] = this.store?.havePrefix(s, STRIPES, from) ?? 0
    })
  }

  private report(): void {
    this.advance()
    if (this.store) this.options.onProgress?.(this.store.bytes, this.total)
    void this.control?.send({ type: 'progress', have: this.have })
    if (performance.now() - this.heard > SILENT_S * 1000) this.control?.close()
  }

  private received(): Received {
    const missing = new Set(this.need)
    const digest = (n: number) => (missing.has(n) ? this.store?.digest(n) : undefined)
    return { spare: false, bytes: this.total, manifest: this.manifest, digest }
  }

  private isWhole(): boolean {
    return this.store?.unpublished === 0
  }

  private async lookWhetherWhole(): Promise<void> {
    if (!this.isWhole() || this.ended) return
    await this.store!.finish()
    for (const link of this.links) link?.close()
    this.report()
    this.whole.resolve(this.received())
    await this.control?.send({ type: 'done' })
  }

  /** In order: nobody needs it. */
  private end(): void {
    if (this.isWhole()) this.whole.resolve(this.received())
    void this.close()
  }

  private fail(error: unknown): void {
    if (this.ended) return
    this.whole.reject(error)
    void this.control?.send({ type: 'failed', message: messageOf(error) }).then(() => this.close())
    if (!this.control?.isOpen) void this.close()
  }
}

const isFeed = shape({ id: isCount, stripe: isCount, addresses: list(isText), port: isCount })

interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((a, b) => {
    resolve = a
    reject = b
  })
  return { promise, resolve, reject }
}
