import { activate, forward, inputOf, type Desk, type FeaturesAt } from './blas-layers.js'
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

/** ŷ of rows whose codes are in the memory, into the output layer's `out`. */
export function predictHead(desk: Desk, n: number): void {
  const { plan, kernel, member } = desk
  const { cell, drug, joint, ahead } = plan
  const [from, to] = share(joint.layer.units, member, VECTOR)
  if (from < to) {
    const column = 4 * from
    const parts = [joint.out, cell.part, drug.part].map(at => at + column)
    kernel.addRows(parts[0]!, parts[1]!, parts[2]!, joint.ld, cell.codes, drug.codes, n, to - from)
    activate(desk, joint, from, to, n, false)
  }
  member.barrier()
  const none = { at: 0, ld: 0 }
  for (const placed of ahead.flat().slice(ahead.flat().indexOf(joint) + 1)) {
    forward(desk, placed, { cell: none, drug: none }, n, false)
    member.barrier()
  }
}
