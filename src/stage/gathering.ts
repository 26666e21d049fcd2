/** Seconds without news after which nobody waits for nodes that have not come: they may be dead. */
const QUIET_S = 2
/** Seconds that one which still looks what it has is waited for, and the first of all to come. */
const PATIENCE_S = 10

/** Who is here before the trees are laid out. Times in seconds of one clock. */
export interface Gathering {
  readonly now: number
  /** Since when the source listens. */
  readonly since: number
  /** When somebody came, or had looked what it has, last. */
  readonly news: number
  /** Nodes that know what they lack. */
  readonly ready: number
  /** Nodes that still look what they have. */
  readonly looking: number
  /** Nodes that shall come and have not; undefined: nobody knows. */
  readonly absent: number | undefined
  /** Seconds that they may take. */
  readonly patience: number
}

/**
 * Is it the time to lay out the trees? With all who were expected at once; else soon after the last who came: one that comes
 * later is put where there is room, and costs the others nothing.
 */
export function mayBegin(g: Gathering): boolean {
  if (g.looking === 0 && g.absent === 0) return true
  if (g.ready === 0) return g.looking === 0 && g.now - g.since >= Math.min(g.patience, PATIENCE_S)
  return g.now - g.news >= (g.looking === 0 ? QUIET_S : PATIENCE_S)
}
