import type { Process } from './process.js'

/** As src/engine/outbox.ts, on virtual time: what is said to one peer at one moment is one frame. */
export class Outbox<Body> {
  private readonly process: Process
  private readonly lazySeconds: number
  private readonly send: (to: string, bodies: readonly Body[]) => void
  private readonly pending = new Map<string, Body[]>()
  private readonly urgent = new Set<string>()
  private isLater = false

  constructor(
    process: Process,
    lazySeconds: number,
    send: (to: string, bodies: readonly Body[]) => void,
  ) {
    this.process = process
    this.lazySeconds = lazySeconds
    this.send = send
  }

  post(to: string, body: Body, lazy = false): void {
    const bodies = this.pending.get(to)
    if (bodies) bodies.push(body)
    else this.pending.set(to, [body])
    if (lazy) {
      if (!this.isLater) this.process.after(this.lazySeconds, () => this.flush())
      this.isLater = true
      return
    }
    if (this.urgent.size === 0)
      this.process.after(0, () => {
        for (const peer of this.urgent) this.leave(peer)
        this.urgent.clear()
      })
    this.urgent.add(to)
  }

  flush(): void {
    this.isLater = false
    for (const to of [...this.pending.keys()]) this.leave(to)
  }

  private leave(to: string): void {
    const bodies = this.pending.get(to)
    this.pending.delete(to)
    if (bodies) this.send(to, bodies)
  }
}
