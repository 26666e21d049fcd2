import type { Member } from './member.js'

/** The node that has everything from the beginning, or reads it. */
export const SOURCE = 0
/** What a slow child takes of its parent, where another takes 1. */
const SLOW_LOAD = 0.25

export interface Tree {
  /** Number of chunks of each stripe. */
  readonly totals: readonly number[]
  readonly members: Map<number, Member>
  /** Who came since the last tick, and is fed by nobody yet. */
  readonly late: Set<number>
  begun: boolean
  ticks: number
  /** Chunks a tick that nodes gain of a stripe. */
  usual: number
}

/** Who is the best to feed a stripe to a node; undefined where nobody can. */
export function cheapest(tree: Tree, child: Member, stripe: number): Member | undefined {
  let best: Member | undefined
  let bestCost = Infinity
  for (const candidate of tree.members.values()) {
    if (tree.late.has(candidate.id)) continue
    const cost = costOf(tree, candidate, child, stripe)
    // who is below it cannot feed it: asked last, as it is dear
    if (cost < bestCost && !isBelow(tree, candidate, child.id, stripe)) {
      best = candidate
      bestCost = cost
    }
  }
  return best
}

function costOf(tree: Tree, parent: Member, child: Member, stripe: number): number {
  const ahead = parent.have[stripe]! - child.have[stripe]!
  const wait = ahead > 0 ? 0 : ahead === 0 ? 1 : 2
  // the source is burdened last but one; a node that has it all has nothing else to do
  const source = parent.id === SOURCE ? 0.5 : 0
  const whole = tree.totals.every((_, s) => isWhole(tree, parent, s)) ? -0.5 : 0
  const avoided = 1e6 * (child.avoid.get(parent.id) ?? 0)
  const slow = isSlow(tree, parent) ? 1e9 : 0
  return loadOf(tree, parent) + wait + source + whole + avoided + slow
}

/** Children of both stripes. */
export function loadOf(tree: Tree, parent: Member): number {
  let load = 0
  for (const children of parent.children)
    for (const id of children) load += isSlow(tree, tree.members.get(id)!) ? SLOW_LOAD : 1
  return load
}

function isBelow(tree: Tree, member: Member, id: number, stripe: number): boolean {
  for (let at: Member | undefined = member; at; at = tree.members.get(at.parent[stripe] ?? -1))
    if (at.id === id) return true
  return false
}

/** Has it all chunks of a stripe? */
export function isWhole(tree: Tree, member: Member, stripe: number): boolean {
  return member.have[stripe]! >= tree.totals[stripe]!
}

export function isSlow(tree: Tree, member: Member): boolean {
  return member.slowUntil > tree.ticks
}
