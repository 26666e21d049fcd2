import { CHUNK } from './manifest.js'

/** The bytes of one chunk. Whoever still reads them holds the piece; who was the last gives the memory back. */
export interface Piece {
  /** CHUNK bytes. */
  readonly buffer: Buffer
  hold(): void
  release(): void
}

/** Memory of pieces, used again: fresh memory would cost as much as a copy. */
export class Pieces {
  private readonly free: Buffer[] = []

  /** Held once. */
  take(): Piece {
    const buffer = this.free.pop() ?? Buffer.allocUnsafeSlow(CHUNK)
    let holders = 1
    return {
      buffer,
      hold: () => {
        holders++
      },
      release: () => {
        if (--holders === 0 && this.free.length < KEPT) this.free.push(buffer)
      },
    }
  }
}

/** Free pieces that are kept. */
const KEPT = 32
