/** Virtual time: events in the order of their time, those of one moment as they were put in. */
export class Clock {
  /** Seconds. */
  now = 0
  /** Events so far. */
  count = 0
  /** Grows with time and order of all events: equal for two replays of one seed. */
  hash = 0x811c9dc5
  private sequence = 0
  /** A binary heap, the next event first. */
  private readonly heap: Event[] = []

  after(seconds: number, action: () => void): void {
    const { heap } = this
    const event = { time: this.now + Math.max(0, seconds), sequence: this.sequence++, action }
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, event)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  /** The next event happens. @returns false if there is none before `end` */
  step(end: number): boolean {
    const [first] = this.heap
    if (!first || first.time > end) {
      this.now = Math.max(this.now, end)
      return false
    }
    this.takeFirst()
    this.now = first.time
    this.count++
    this.mix(first.sequence)
    this.mix(Math.round(first.time * 1e6))
    first.action()
    return true
  }

  mix(value: number): void {
    this.hash = Math.imul(this.hash ^ (value | 0), 0x01000193)
  }

  private takeFirst(): void {
    const { heap } = this
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

interface Event {
  readonly time: number
  readonly sequence: number
  readonly action: () => void
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence)
}
