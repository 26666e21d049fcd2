import type { Placed, Source } from './blas-memory.js'
import { VECTOR } from './kernel.js'
import { share, type Member } from './team.js'

/** Rows of a kernel that one thread derives and updates at a time. */
export interface Block {
  readonly pieces: readonly {
    readonly source: Source
    /** Columns of the source. */
    readonly from: number
    readonly to: number
  }[]
}

/** Rows in a block: its gradient and weights fit the second-level cache; larger ones were no faster. */
const BLOCK_ROWS = 128

/** Those blocks of a layer's kernel that are a thread's. Blocks begin on whole vectors of the flat state. */
export function blocks({ layer, sources }: Placed, member: Pick<Member, 'rank' | 'size'>): Block[] {
  if (sources.some(({ row }) => (row * layer.units) % VECTOR !== 0))
    // two sources meet within a vector: one thread takes all
    return member.rank > 0
      ? []
      : [{ pieces: sources.map(source => ({ source, from: 0, to: source.width })) }]
  return sources.flatMap(source => {
    const [first, end] = share(source.width, member, VECTOR)
    const count = Math.ceil((end - first) / BLOCK_ROWS)
    return Array.from({ length: count }, (_, i) => {
      const [from, to] = share(end - first, { rank: i, size: count }, VECTOR)
      return { pieces: [{ source, from: first + from, to: first + to }] }
    })
  })
}

/** Floats that the gradient of the largest block takes. */
export function largestBlock(all: readonly Placed[], threads: number): number {
  const sizes = all.flatMap(placed =>
    Array.from({ length: threads }, (_, rank) =>
      blocks(placed, { rank, size: threads }).map(
        ({ pieces }) =>
          placed.layer.units * pieces.reduce((sum, { from, to }) => sum + to - from, 0),
      ),
    ).flat(),
  )
  return Math.max(...sizes)
}
