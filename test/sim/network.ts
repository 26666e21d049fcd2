import {
  encode,
  parseFromAgent,
  parseToAgent,
  type Envelope,
  type FromAgent,
  type ToAgent,
} from '../../src/engine/protocol.js'
import type { Clock } from './clock.js'
import type { Random } from './random.js'

export interface NetworkSettings {
  /** Seconds from one host to another. */
  readonly delay: readonly [from: number, to: number]
  /** Share of single frames that are lost. */
  readonly loss: number
  /** Frames pass through the real codec. */
  readonly codec: boolean
}

/** How a rank reaches the leader: the same for all its lives. */
export class Path {
  /** The connection is down; a DEALER keeps what it shall send, a ROUTER drops it. */
  brokenUntil = 0
  /** Frames do not pass: they are held (TCP repeats them) or lost. */
  upBlockedUntil = 0
  downBlockedUntil = 0
  holds = true
  /** Late words of an earlier life may throw out a later one: two processes of the rank, frames held back. */
  isHaunted = false
  /** Connections so far: what is under way in an earlier one is lost. */
  generation = 0
}

/** One rank's connection to one leader. Frames of one direction keep their order. */
export class Link {
  private lastUp = 0
  private lastDown = 0
  private readonly network: Network
  private readonly path: Path
  private readonly envelope: Envelope

  constructor(network: Network, path: Path, envelope: Envelope) {
    this.network = network
    this.path = path
    this.envelope = envelope
  }

  /** Agent → leader. */
  up(bodies: readonly FromAgent[], deliver: (bodies: readonly FromAgent[]) => void): void {
    const { path, network } = this
    const { now } = network.clock
    const isBlocked = path.upBlockedUntil > now
    if ((isBlocked && !path.holds) || network.isLost()) return
    const begin = Math.max(now, path.brokenUntil, isBlocked ? path.upBlockedUntil : 0)
    this.lastUp = Math.max(this.lastUp, begin + network.delay())
    this.pass(this.lastUp, () =>
      deliver(network.codec ? coded(this.envelope, bodies, parseFromAgent) : bodies),
    )
  }

  /** Leader → agent. */
  down(bodies: readonly ToAgent[], deliver: (bodies: readonly ToAgent[]) => void): void {
    const { path, network } = this
    const { now } = network.clock
    const isBlocked = path.downBlockedUntil > now
    if ((isBlocked && !path.holds) || path.brokenUntil > now || network.isLost()) return
    const begin = isBlocked ? path.downBlockedUntil : now
    this.lastDown = Math.max(this.lastDown, begin + network.delay())
    this.pass(this.lastDown, () =>
      deliver(network.codec ? coded(this.envelope, bodies, parseToAgent) : bodies),
    )
  }

  private pass(time: number, deliver: () => void): void {
    const { path, network } = this
    // what waits in the sender for the next connection is not lost with this one
    const generation = path.generation
    network.clock.after(time - network.clock.now, () => {
      if (path.generation === generation) deliver()
    })
  }
}

export class Network {
  readonly clock: Clock
  readonly codec: boolean
  private readonly random: Random
  private readonly settings: NetworkSettings
  /** After this time no frame is lost. */
  calmFrom = Infinity

  constructor(clock: Clock, random: Random, settings: NetworkSettings) {
    this.clock = clock
    this.random = random
    this.settings = settings
    this.codec = settings.codec
  }

  isLost(): boolean {
    const { loss } = this.settings
    return loss > 0 && this.clock.now < this.calmFrom && this.random.chance(loss)
  }

  delay(): number {
    const [from, to] = this.settings.delay
    return this.random.logBetween(from, to)
  }

  /** What is under way is lost, and for a while nobody is connected. */
  break(path: Path, seconds: number): void {
    path.generation++
    path.brokenUntil = this.clock.now + seconds
  }
}

function coded<Body extends FromAgent | ToAgent>(
  envelope: Envelope,
  bodies: readonly Body[],
  parse: (frame: Uint8Array) => { readonly bodies: readonly Body[] } | undefined,
): readonly Body[] {
  const frame = parse(Buffer.from(encode(envelope, bodies)))
  if (frame?.bodies.length !== bodies.length)
    throw new Error(`the codec refuses ${JSON.stringify(bodies)}`)
  return frame.bodies
}
