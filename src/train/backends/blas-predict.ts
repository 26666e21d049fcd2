import { activate, forward, inputOf, type Desk, type FeaturesAt } from './blas-layers.js'
import { PIECE_ROWS, type Placed } from './blas-memory.js'
import { VECTOR } from './kernel.js'
import { share } from './team.js'

/**
 * Some rows of a table through their tower, without dropout, and times the tower's part of the joint layer's
 * kernel, into `part`: what these rows add to that layer wherever they stand. Each thread does its columns.
 */
export function predictTower(desk: Desk, name: 'cell' | 'drug', first: number, n: number): void {
  const { plan, gemm, member, base } = desk
  const { table, width, part } = plan[name]
  const rows = { at: table + 4 * first * width, ld: width }
  const features: FeaturesAt = { cell: rows, drug: rows } // only those of this tower are read
  for (const placed of plan[name].tower) {
    forward(desk, placed, features, n, false)
    member.barrier()
  }
  const { layer, ld, kernel, sources } = plan.joint
  const source = sources[name === 'cell' ? 0 : 1]!
  const x = inputOf(source, features)
  const [from, to] = share(layer.units, member, VECTOR)
  if (from < to) {
    const w = base + plan.weights + 4 * (kernel + source.row * layer.units + from)
    const out = base + part + 4 * (first * ld + from)
    const { units } = layer
    gemm(false, false, n, to - from, source.width, 1, base + x.at, x.ld, w, units, 0, out, ld)
  }
  member.barrier()
}

/**
 * ŷ of n rows whose codes are in the memory, into `predicted`. Each thread draws piece after piece and takes it through
 * all layers: nothing is updated, so none waits for another, and what it has just computed is in its cache.
 */
export function predictHead(desk: Desk, n: number): void {
  const { plan, kernel, member, floats } = desk
  const { cell, drug, joint, ahead } = plan
  const mine = PIECE_ROWS * member.rank
  const behind = ahead.flat().slice(ahead.flat().indexOf(joint) + 1)
  const last = behind.at(-1) ?? joint
  for (let from = member.draw() * PIECE_ROWS; from < n; from = member.draw() * PIECE_ROWS) {
    const rows = Math.min(PIECE_ROWS, n - from)
    const out = joint.out + 4 * mine * joint.ld
    const codes = [cell.codes, drug.codes].map(at => at + 4 * from)
    const { units } = joint.layer
    kernel.addRows(out, cell.part, drug.part, joint.ld, codes[0]!, codes[1]!, rows, units)
    activate(desk, { ...joint, out }, 0, units, rows, false)
    for (const placed of behind) throughLayer(desk, placed, mine, rows)
    for (let r = 0; r < rows; r++)
      floats[plan.predicted / 4 + from + r] = floats[last.out / 4 + (mine + r) * last.ld]!
  }
  member.barrier()
}

/** What leaves a layer behind the joint one, for `rows` rows from `from`. */
function throughLayer(desk: Desk, placed: Placed, from: number, rows: number): void {
  const { plan, gemm, base } = desk
  const { layer, kernel, ld, sources } = placed
  const { units } = layer
  const x = inputOf(sources[0]!, NO_FEATURES) // it stands on one layer
  const out = placed.out + 4 * from * ld
  const input = base + x.at + 4 * from * x.ld
  const w = base + plan.weights + 4 * kernel
  gemm(false, false, rows, units, sources[0]!.width, 1, input, x.ld, w, units, 0, base + out, ld)
  activate(desk, { ...placed, out }, 0, units, rows, false)
}

const NO_FEATURES: FeaturesAt = { cell: { at: 0, ld: 0 }, drug: { at: 0, ld: 0 } }
