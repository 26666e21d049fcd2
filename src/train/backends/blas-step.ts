import { optimise } from '../optimisers.js'
import type { TrainerOptions } from '../trainer.js'
import { forward, inputOf, keepUnits, scaleOf, throughActivation } from './blas-layers.js'
import type { Desk, FeaturesAt } from './blas-layers.js'
import { blocks, type Block } from './blas-blocks.js'
import type { Placed } from './blas-memory.js'
import { VECTOR } from './kernel.js'
import { share } from './team.js'

/** One step of training, as all threads are told of it. */
export interface Step {
  /** Rows of the batch: their codes are in the memory. */
  readonly n: number
  /** Counters of the masks. */
  readonly epoch: number
  readonly index: number
  readonly rate: number
  /** Number of the optimiser's step, 1-based, and Nadam's product before it. */
  readonly count: number
  readonly momentum: number
}

/**
 * One training step, of which each thread does its part:
 *
 *     gather rows, masks │ layer after layer: its columns of x·W, bias, activation, dropout │ loss (one thread)
 *     │ back, layer by layer: of its rows of W the slope by the input, then their gradient, then their update
 *
 * where │ is a barrier, and between two layers as well. A thread reads, derives and updates the same rows of W,
 * so they are still in its cache, no gradient is ever kept, and nothing waits in between.
 *
 * @param loss from the outputs in the memory: their slopes into it, called by one thread
 * @returns Nadam's product after the step
 */
export function trainStep(
  desk: Desk,
  { key, optimiser }: Pick<TrainerOptions, 'key' | 'optimiser'>,
  step: Step,
  loss: () => void,
): number {
  const { plan, kernel, member } = desk
  const { n } = step
  const [from, to] = share(n, member, 1)
  for (const { gathered, ld, table, width, codes } of [plan.cell, plan.drug])
    kernel.gatherRows(gathered, ld, table, width, codes, from, to)
  keepUnits(desk, key, step.epoch, step.index, n)
  member.barrier()

  const features: FeaturesAt = {
    cell: { at: plan.cell.gathered, ld: plan.cell.ld },
    drug: { at: plan.drug.gathered, ld: plan.drug.ld },
  }
  for (const together of plan.ahead) {
    for (const placed of together) forward(desk, placed, features, n, true)
    member.barrier()
  }
  const update: Update = (offset, length, gradients) => {
    const at = (start: number) => start + 4 * offset
    const pointers = {
      weights: at(plan.weights),
      moments: plan.moments.map(at),
      gradients,
      size: Math.ceil(length / VECTOR) * VECTOR,
    }
    return optimise(kernel, optimiser, pointers, step.rate, step.count, step.momentum)
  }
  let product = step.momentum
  if (member.rank === 0) {
    loss()
    product = slopeOfSum(desk, plan.ahead.at(-1)![0]!, 0, 1, n, update)
  }
  member.barrier()

  for (const together of plan.back) {
    for (const placed of together)
      for (const block of blocks(placed, member)) backward(desk, placed, block, features, n, update)
    member.barrier()
  }
  return product
}

/** Update a range of the flat state, given the address of its gradient. @returns Nadam's product */
type Update = (offset: number, length: number, gradients: number) => number

/** The slope by the inputs that a block belongs to, then the block's gradient, then its update. */
function backward(
  desk: Desk,
  placed: Placed,
  { pieces }: Block,
  features: FeaturesAt,
  n: number,
  update: Update,
): void {
  const { plan, gemm, member, base, floats } = desk
  const { units } = placed.layer
  const { gradient } = plan.members[member.rank]!
  const slope = base + placed.slope
  let length = 0
  for (const { source, from, to } of pieces) {
    const { below } = source
    const w = base + plan.weights + 4 * (placed.kernel + (source.row + from) * units)
    if (typeof below !== 'string') {
      const into = base + below.slope + 4 * from
      const scale = scaleOf(below.layer)
      gemm(false, true, n, to - from, units, scale, slope, placed.ld, w, units, 0, into, below.ld)
    }
    const x = inputOf(source, features)
    const [a, c] = [base + x.at + 4 * from, base + gradient + 4 * length]
    gemm(true, false, to - from, units, n, 1, a, x.ld, slope, placed.ld, 0, c, units)
    length += (to - from) * units
  }
  // up to a whole vector: the state's padding stays as it is
  floats.fill(0, gradient / 4 + length, gradient / 4 + Math.ceil(length / VECTOR) * VECTOR)
  const { source, from } = pieces[0]!
  update(placed.kernel + (source.row + from) * units, length, gradient)
  for (const { source, from, to } of pieces)
    if (typeof source.below !== 'string') slopeOfSum(desk, source.below, from, to, n, update)
}

/** From the slope by a layer's output to that by its sum; its bias is updated on the way. */
function slopeOfSum(
  desk: Desk,
  placed: Placed,
  from: number,
  to: number,
  n: number,
  update: Update,
): number {
  throughActivation(desk, placed, from, to, n)
  const { sums } = desk.plan.members[desk.member.rank]!
  return update(placed.bias + from, to - from, sums)
}
