/** Seeded random numbers: fast, and the same everywhere. @see Bob Jenkins, sfc32 in PractRand */
export class Random {
  private a: number
  private b = 0x9e3779b9
  private c = 0x243f6a88
  private counter = 1

  /** @param stream one seed gives many independent streams, so that one more draw here changes nothing there */
  constructor(seed: number, stream: number) {
    this.a = seed | 0
    this.b ^= Math.imul(stream + 1, 0x85ebca6b)
    this.c ^= Math.floor(seed / 2 ** 32)
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Uniform in [0, 1). */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter++) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  /** Integer in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from)
  }

  /** Each order of magnitude is as likely. */
  logBetween(from: number, to: number): number {
    return from * (to / from) ** this.next()
  }

  /** Waiting time of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next())
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!
  }
}
