import { newMember, STRIPES, type Member } from './member.js'
import { cheapest, isSlow, isWhole, loadOf, SOURCE, type Tree } from './parents.js'

/**
 * Who is fed by whom while files are spread from one node, the source, to all others. Pure: events in, orders out.
 *
 * Chunk c belongs to stripe c mod 2, and each stripe has a binary tree of its own. A node has children in one of the
 * two alone, so it sends two halves: as much as it receives, which no tree of whole files could do.
 *
 *   stripe 0:  source ─> 0 ─> 1, 2      stripe 1:  source ─> 5 ─> 4, 3
 *                        1 ─> 3, 4                         4 ─> 2, 1
 *                        2 ─> 5                            3 ─> 0
 *
 *   waiting ──begin──> fed ──all chunks──> whole
 *                       │ ▲
 *     parent gone, slow │ │ another parent, from the chunk it was at
 *                       └─┘
 */
/** Chunks that a parent must be ahead before it or the child counts as slow: more than are under way. */
const LAG = 6
/** A stripe comes slowly if it gains less than this share of what is usual … */
const SLOW_SHARE = 0.25
/** … when it has come from the same parent for so many ticks. */
const SLOW_TICKS = 3
/** A parent of which nothing has come for so many ticks is as good as dead. */
const DEAD_TICKS = 100
/** Ticks after which a node that was slow may feed others again. */
const FORGIVEN_TICKS = 50
/** Weight of the last tick in a rate. */
const FRESH = 0.5
/** Children of a node of which another should have one. */
const CROWD = 3
/** Ticks between two looks at who has too many children. */
const BALANCE_TICKS = 5

/** Let `node` be fed with a stripe by `parent`, from the first chunk it has not. */
export interface Order {
  readonly node: number
  readonly stripe: number
  readonly parent: number
}

/** @param chunks number of all chunks */
export function newTree(chunks: number): Tree {
  const totals = Array.from({ length: STRIPES }, (_, s) => Math.ceil((chunks - s) / STRIPES))
  const tree: Tree = {
    totals,
    members: new Map(),
    late: new Set(),
    begun: false,
    ticks: 0,
    usual: 0,
  }
  tree.members.set(SOURCE, newMember(SOURCE, totals))
  return tree
}

/** A node has come, or come again: before `begin` it only waits, later until the next tick. */
export function onJoin(tree: Tree, id: number, have: readonly number[]): void {
  tree.members.set(id, newMember(id, have))
  if (tree.begun) tree.late.add(id)
}

/** The trees are laid out for all who are here. */
export function begin(tree: Tree): Order[] {
  tree.begun = true
  const ids = [...tree.members.keys()].filter(id => id !== SOURCE)
  return layOut(tree, ids, () => SOURCE)
}

/**
 * Those who came since are put below one node that has room, in trees of their own: they bring as many places as they take,
 * so that the others lose nothing.
 */
function takeLate(tree: Tree): Order[] {
  const ids = [...tree.late]
  tree.late.clear()
  return layOut(tree, ids, (first, s) => cheapest(tree, first, s)?.id ?? SOURCE)
}

function layOut(
  tree: Tree,
  ids: readonly number[],
  top: (first: Member, stripe: number) => number,
): Order[] {
  return stripes(s => {
    const order = s === 0 ? ids : [...ids].reverse()
    const [first, ...poor] = order.filter(id => !isWhole(tree, tree.members.get(id)!, s))
    if (first === undefined) return []
    const below = poor.flatMap((id, at) => link(tree, id, s, at < 2 ? first : poor[(at >> 1) - 1]!))
    return [...link(tree, first, s, top(tree.members.get(first)!, s)), ...below]
  })
}

/** A node is gone: its children go on elsewhere. */
export function onLeave(tree: Tree, id: number): Order[] {
  const member = tree.members.get(id)
  if (!member || id === SOURCE) return []
  tree.members.delete(id)
  tree.late.delete(id)
  for (let s = 0; s < STRIPES; s++) unlink(tree, member, s)
  return stripes(s => moveChildren(tree, member, s))
}

/** How far a node is. The source tells so too, as long as it reads. */
export function onProgress(tree: Tree, id: number, have: readonly number[]): void {
  const member = tree.members.get(id)
  if (!member) return
  for (let s = 0; s < STRIPES; s++) {
    member.have[s] = have[s] ?? 0
    if (isWhole(tree, member, s)) unlink(tree, member, s)
  }
}

/** What came from its parent was damaged, nothing comes, or it cannot be reached: it gets another. */
export function onTrouble(tree: Tree, id: number, stripe: number): Order[] {
  const member = tree.members.get(id)
  const parent = member?.parent[stripe]
  if (!member || parent === undefined) return []
  unlink(tree, member, stripe)
  avoid(member, parent)
  return attach(tree, id, stripe)
}

/**
 * Time has passed. Where a stripe comes slowly though the parent has more, it is the node that is slow if both its stripes
 * do, else the parent if all its children are served so, else only the way between the two. Who is slow feeds nobody. Where
 * less than a chunk a tick is usual, nobody is judged: it would be by chance.
 */
export function onTick(tree: Tree): Order[] {
  tree.ticks++
  const begun = takeLate(tree)
  const fed = [...tree.members.values()].filter(m => m.id !== SOURCE)
  for (const m of tree.members.values())
    for (let s = 0; s < STRIPES; s++) {
      m.rate[s] = (1 - FRESH) * m.rate[s]! + FRESH * (m.have[s]! - m.before[s]!)
      m.before[s] = m.have[s]!
      m.age[s]!++
    }
  const open = fed.filter(m => tree.totals.some((_, s) => !isWhole(tree, m, s)))
  // the last few may be those who were served badly: they are judged by what was usual before
  if (2 * open.length >= fed.length)
    tree.usual = Math.max(
      ...tree.totals.map((_, s) =>
        median(open.filter(m => !isWhole(tree, m, s) && !isSlow(tree, m)).map(m => m.rate[s]!)),
      ),
    )
  const orders = fed.flatMap(m => judge(tree, m, tree.usual))
  const balanced = tree.ticks % BALANCE_TICKS === 0 ? balance(tree) : []
  return [...begun, ...orders, ...balanced]
}

function judge(tree: Tree, member: Member, usual: number): Order[] {
  const open = tree.totals.flatMap((_, s) => (isWhole(tree, member, s) ? [] : [s]))
  const dead = open.filter(s => isDead(tree, member, s))
  if (dead.length > 0) return dead.flatMap(s => onTrouble(tree, member.id, s))
  const late = usual < 1 ? [] : open.filter(s => comesSlowly(tree, member, s, usual))
  if (late.length === 0 || isSlow(tree, member)) return []
  if (late.length === STRIPES) return markSlow(tree, member)
  return late.flatMap(s => {
    const parent = tree.members.get(member.parent[s] ?? -1)
    if (!parent) return []
    const children = [...parent.children[s]!].map(id => tree.members.get(id)!)
    const all = children.every(c => c.age[s]! < SLOW_TICKS || comesSlowly(tree, c, s, usual))
    if (all && parent.id !== SOURCE) return markSlow(tree, parent)
    if (member.age[s]! < SLOW_TICKS * 2 ** Math.min(member.moved, 20)) return []
    member.moved++
    return onTrouble(tree, member.id, s)
  })
}

/** Nothing at all comes. */
function isDead(tree: Tree, member: Member, stripe: number): boolean {
  const parent = tree.members.get(member.parent[stripe] ?? -1)
  return (
    parent !== undefined &&
    parent.have[stripe]! > member.have[stripe]! &&
    member.age[stripe]! >= DEAD_TICKS &&
    member.rate[stripe]! < 1e-6
  )
}

function comesSlowly(tree: Tree, member: Member, stripe: number, usual: number): boolean {
  const parent = tree.members.get(member.parent[stripe] ?? -1)
  return (
    parent !== undefined &&
    member.age[stripe]! >= SLOW_TICKS &&
    parent.have[stripe]! - member.have[stripe]! >= LAG &&
    member.rate[stripe]! < SLOW_SHARE * usual
  )
}

function markSlow(tree: Tree, member: Member): Order[] {
  member.slowUntil = tree.ticks + FORGIVEN_TICKS
  return stripes(s => moveChildren(tree, member, s))
}

/** Who got too many children in need gives one away if somebody has few. */
function balance(tree: Tree): Order[] {
  return [...tree.members.values()].flatMap(parent => {
    const load = loadOf(tree, parent)
    if (load < CROWD) return []
    for (const [s, children] of parent.children.entries())
      for (const id of children) {
        const child = tree.members.get(id)!
        const best = cheapest(tree, child, s)
        if (!best || isSlow(tree, best) || loadOf(tree, best) > load - 2) continue
        unlink(tree, child, s)
        return link(tree, id, s, best.id)
      }
    return []
  })
}

function moveChildren(tree: Tree, parent: Member, stripe: number): Order[] {
  return [...parent.children[stripe]!].flatMap(id => {
    const child = tree.members.get(id)
    if (!child) return []
    unlink(tree, child, stripe)
    child.parent[stripe] = undefined
    avoid(child, parent.id)
    return attach(tree, id, stripe)
  })
}

/** Whoever has failed least often is asked first: who always did is asked again, if there is nobody else. */
function avoid(member: Member, parent: number): void {
  member.avoid.set(parent, Math.min(100, (member.avoid.get(parent) ?? 0) + 1))
}

/** Under the node that has the fewest children; one that is as far as itself, if possible. */
function attach(tree: Tree, id: number, stripe: number): Order[] {
  const member = tree.members.get(id)!
  if (isWhole(tree, member, stripe)) return []
  return link(tree, id, stripe, cheapest(tree, member, stripe)?.id ?? SOURCE)
}

function link(tree: Tree, node: number, stripe: number, parent: number): Order[] {
  const member = tree.members.get(node)!
  member.parent[stripe] = parent
  member.age[stripe] = 0
  tree.members.get(parent)!.children[stripe]!.add(node)
  return [{ node, stripe, parent }]
}

function unlink(tree: Tree, member: Member, stripe: number): void {
  const parent = tree.members.get(member.parent[stripe] ?? -1)
  parent?.children[stripe]!.delete(member.id)
  member.parent[stripe] = undefined
}

function stripes(of: (stripe: number) => Order[]): Order[] {
  return Array.from({ length: STRIPES }, (_, s) => of(s)).flat()
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}
