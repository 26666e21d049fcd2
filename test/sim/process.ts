import type { Clock } from './clock.js'
import type { Random } from './random.js'

/**
 * A process: it may be stopped (SIGSTOP), and die. While it is stopped its inputs wait and its timers do not
 * fire; when it goes on all comes at once, timers before inputs or the other way round.
 */
export class Process {
  alive = true
  stopped = false
  private readonly clock: Clock
  private readonly random: Random
  private inputs: (() => void)[] = []
  private timers: (() => void)[] = []

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
  }

  now(): number {
    return this.clock.now
  }

  /** Something arrives. */
  input(action: () => void): void {
    if (!this.alive) return
    if (this.stopped) this.inputs.push(action)
    else action()
  }

  /** A timer of its own. */
  after(seconds: number, action: () => void): void {
    this.clock.after(seconds, () => {
      if (!this.alive) return
      if (this.stopped) this.timers.push(action)
      else action()
    })
  }

  every(seconds: number, action: () => void): void {
    this.after(seconds, () => {
      action()
      this.every(seconds, action)
    })
  }

  stop(seconds: number): void {
    if (!this.alive || this.stopped) return
    this.stopped = true
    this.clock.after(seconds, () => this.goOn())
  }

  /** SIGKILL: also one that is stopped. */
  kill(): void {
    this.alive = false
    this.inputs = []
    this.timers = []
  }

  private goOn(): void {
    if (!this.alive) return
    this.stopped = false
    const { inputs, timers } = this
    this.inputs = []
    this.timers = []
    const first = this.random.chance(0.5) ? [...timers, ...inputs] : [...inputs, ...timers]
    for (const action of first) this.input(action)
  }
}
