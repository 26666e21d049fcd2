/** Chunk c belongs to stripe c mod STRIPES, and each stripe has a tree of its own. */
export const STRIPES = 2

/** A node as the trees know it. */
export interface Member {
  readonly id: number
  /** Chunks of each stripe that it has, counted from the first: all before are there. */
  readonly have: number[]
  readonly parent: (number | undefined)[]
  readonly children: Set<number>[]
  /** Chunks a tick of each stripe, lately. */
  readonly rate: number[]
  /** Ticks since its parent became that. */
  readonly age: number[]
  readonly before: number[]
  /** Feeds nobody before this tick: it, or the way to it, is slow. */
  slowUntil: number
  /** Times that it was moved as it came slowly: each time it gets twice as long to show that it does not. */
  moved: number
  /** Who has failed to feed it, and how often. */
  readonly avoid: Map<number, number>
}

/** @param have chunks of each stripe that it has from the beginning */
export function newMember(id: number, have: readonly number[]): Member {
  const each = <T>(value: () => T) => Array.from({ length: STRIPES }, value)
  return {
    id,
    have: [...have],
    parent: each(() => undefined),
    children: each(() => new Set<number>()),
    rate: each(() => 0),
    age: each(() => 0),
    before: [...have],
    slowUntil: 0,
    moved: 0,
    avoid: new Map(),
  }
}
