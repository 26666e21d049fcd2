import type { Key } from '../../base/random.js'
import { STREAM } from '../../base/random.js'
import type { Activation } from '../spec.js'
import type { Gemm } from './blas-library.js'
import type { Placed, Plan, Source } from './blas-memory.js'
import { VECTOR, type Kernel } from './kernel.js'
import { share, type Member } from './team.js'

/** What one thread works with. */
export interface Desk {
  readonly plan: Plan
  readonly kernel: Kernel
  readonly gemm: Gemm
  readonly member: Member
  /** The whole memory. */
  readonly floats: Float32Array
  readonly bytes: Int8Array
  /** Address of the memory: the library knows no offsets. */
  readonly base: number
}

/** The features that a tower begins with: a matrix at an offset, rows of `ld` floats. */
export type FeaturesAt = Readonly<
  Record<'cell' | 'drug', { readonly at: number; readonly ld: number }>
>

/** Fill this thread's part of the masks: those of `fillMasks` in dropout-masks.ts, as bytes. */
export function keepUnits(
  { plan, kernel, member }: Desk,
  [k0, k1]: Key,
  epoch: number,
  step: number,
  n: number,
): void {
  const { words } = plan.members[member.rank]!
  for (const { layer, place, keep } of plan.ahead.flat()) {
    if (keep === undefined) continue
    const [from, to] = share(n * layer.units, member, 32)
    const threshold = Math.min(65535, Math.round(layer.dropout * 65536))
    const counter = (place << 24) | (from >> 3)
    const { dropout } = STREAM
    kernel.keepBytes(
      keep + from,
      words,
      to - from,
      k0,
      k1,
      dropout,
      epoch,
      step,
      counter,
      threshold,
    )
  }
}

/** This thread's columns of what leaves a layer. @param training with dropout */
export function forward(
  desk: Desk,
  placed: Placed,
  features: FeaturesAt,
  n: number,
  training: boolean,
): void {
  const { plan, gemm, member, base } = desk
  const { layer, out, ld } = placed
  const [from, to] = share(layer.units, member, VECTOR)
  if (from === to) return
  placed.sources.forEach((source, i) => {
    const x = inputOf(source, features)
    const w = plan.weights + 4 * (placed.kernel + source.row * layer.units + from)
    const z = out + 4 * from
    gemm(
      false,
      false,
      n,
      to - from,
      source.width,
      1,
      base + x.at,
      x.ld,
      base + w,
      layer.units,
      i === 0 ? 0 : 1,
      base + z,
      ld,
    )
  })
  activate(desk, placed, from, to, n, training)
}

/** Where a layer's input lies. */
export function inputOf({ below }: Source, features: FeaturesAt) {
  return typeof below === 'string' ? features[below] : { at: below.out, ld: below.ld }
}

/** Bias, activation and dropout of columns from … to, in one pass where it is relu. */
export function activate(
  { plan, kernel, floats, bytes }: Desk,
  { layer, out, ld, bias, keep }: Placed,
  from: number,
  to: number,
  n: number,
  training: boolean,
): void {
  const { units, activation, dropout } = layer
  const x = out + 4 * from
  const b = plan.weights + 4 * (bias + from)
  const scale = 1 / (1 - dropout)
  const kept = training && keep !== undefined ? keep + from : undefined
  if (activation === 'relu' && kept !== undefined)
    kernel.biasReluDrop(x, ld, b, kept, units, scale, n, to - from)
  else if (activation === 'relu') kernel.biasRelu(x, ld, b, n, to - from)
  else {
    kernel.addBias(x, ld, b, n, to - from)
    const f = FUNCTIONS[activation]
    for (let r = 0; r < n; r++)
      for (let c = 0; c < to - from; c++) {
        const i = x / 4 + r * ld + c
        const a = f(floats[i]!)
        if (kept === undefined) floats[i] = a
        else floats[i] = bytes[kept + r * units + c]! === 0 ? 0 : a * scale
      }
  }
}

/**
 * Turn the slope by what leaves a layer, in its `slope`, into that by its sum, for columns from … to, and add
 * up each column: the gradient of the bias, in this thread's `sums`.
 */
export function throughActivation(
  { plan, kernel, member, floats, bytes }: Desk,
  { layer, out, slope, ld, keep }: Placed,
  from: number,
  to: number,
  n: number,
): void {
  const { units, activation, dropout } = layer
  const { sums } = plan.members[member.rank]!
  const s = slope + 4 * from
  if (activation === 'relu') {
    // something came out, or not; the dropout's scale is in the slope already
    kernel.reluSlope(s, ld, out + 4 * from, ld, sums, n, to - from)
    return
  }
  const f = DERIVATIVES[activation]
  const scale = 1 / (1 - dropout)
  for (let r = 0; r < n; r++)
    for (let c = from; c < to; c++) {
      const i = r * ld + c
      const kept = keep === undefined || bytes[keep + r * units + c]! !== 0
      const a = floats[out / 4 + i]! / scale
      floats[slope / 4 + i] = kept ? floats[slope / 4 + i]! * scale * f(a) : 0
    }
  kernel.columnSums(s, ld, sums, n, to - from)
}

/** What the product that makes the slope by a layer's output is multiplied with, at no cost. */
export function scaleOf({ activation, dropout }: Placed['layer']): number {
  return activation === 'relu' ? 1 / (1 - dropout) : 1
}

const FUNCTIONS: Readonly<Record<Exclude<Activation, 'relu'>, (z: number) => number>> = {
  tanh: Math.tanh,
  sigmoid: z => 1 / (1 + Math.exp(-z)),
  linear: z => z,
}

/** By the sum, as a function of the activation. */
const DERIVATIVES: Readonly<Record<Exclude<Activation, 'relu'>, (a: number) => number>> = {
  tanh: a => 1 - a * a,
  sigmoid: a => a * (1 - a),
  linear: () => 1,
}
