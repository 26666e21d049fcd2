// The network in plain float64, written apart from the graphs it checks: no matrices, no gradients.
import { philox, STREAM, type Key } from '../../src/base/random.js'
import {
  layers,
  layout,
  type Activation,
  type Dense,
  type Loss,
  type ModelSpec,
} from '../../src/train/spec.js'
import type { Rows, Tables } from '../../src/train/trainer.js'

export function dense(
  name: string,
  inputs: number,
  units: number,
  activation: Activation,
  dropout = 0,
): Dense {
  return { name, inputs, units, activation, dropout }
}

/** Where a step's masks come from; none: no dropout. */
export interface Drop {
  readonly key: Key
  readonly epoch: number
  readonly step: number
}

/** ŷ of every row. @param weights flat, in the layout of the spec */
export function forward(
  spec: ModelSpec,
  weights: ArrayLike<number>,
  tables: Tables,
  rows: Rows,
  drop?: Drop,
): number[] {
  const { slots } = layout(spec)
  const order = layers(spec)
  const through = (x: number[], layer: Dense, row: number): number[] => {
    const kernel = slots.find(s => s.name === `${layer.name}/kernel`)!.offset
    const bias = slots.find(s => s.name === `${layer.name}/bias`)!.offset
    return Array.from({ length: layer.units }, (_, u) => {
      let z = weights[bias + u]!
      x.forEach((v, i) => (z += v * weights[kernel + i * layer.units + u]!))
      const a = activate(z, layer.activation)
      if (!drop || layer.dropout === 0) return a
      const kept = keeps(drop, order.indexOf(layer), row * layer.units + u, layer.dropout)
      return kept ? a / (1 - layer.dropout) : 0
    })
  }
  return Array.from(rows.cell, (cell, row) => {
    const stack = (x: number[], all: readonly Dense[]) =>
      all.reduce((input, layer) => through(input, layer, row), x)
    const features = (table: Float32Array, code: number, width: number) => [
      ...table.subarray(code * width, (code + 1) * width),
    ]
    const joined = [
      ...stack(features(tables.cell, cell, tables.cellFeatures), spec.cell),
      ...stack(features(tables.drug, rows.drug[row]!, tables.drugFeatures), spec.drug),
    ]
    return stack(joined, [...spec.interaction, spec.output])[0]!
  })
}

/** Whether element e of the mask of a layer, row-major, is kept. */
export function keeps(
  { key, epoch, step }: Drop,
  place: number,
  e: number,
  dropout: number,
): boolean {
  const words = new Uint32Array(4)
  philox(key, STREAM.dropout, epoch, step, ((place << 24) | (e >> 3)) >>> 0, words)
  const word = words[(e >> 1) & 3]!
  const bits = e & 1 ? word >>> 16 : word & 0xffff
  return bits >= Math.round(dropout * 65536)
}

export function meanLoss(loss: Loss, y: ArrayLike<number>, p: readonly number[]): number {
  const each = p.map((v, i) => {
    if (loss.type === 'custom') return 10 * (y[i]! - v) ** 4 // that of gradients.test.ts
    const error = Math.abs(y[i]! - v)
    if (loss.type === 'mse') return error ** 2
    return loss.type === 'mae' ? error : error * (1 - y[i]!) ** loss.alpha
  })
  return each.reduce((a, b) => a + b, 0) / p.length
}

/** Gradient of f at x by central differences. */
export function differences(f: (x: Float64Array) => number, x: ArrayLike<number>): Float64Array {
  const at = Float64Array.from(x)
  const h = 1e-6
  return at.map((v, i) => {
    at[i] = v + h
    const up = f(at)
    at[i] = v - h
    const down = f(at)
    at[i] = v
    return (up - down) / (2 * h)
  })
}

function activate(z: number, activation: Activation): number {
  switch (activation) {
    case 'relu':
      return Math.max(0, z)
    case 'tanh':
      return Math.tanh(z)
    case 'sigmoid':
      return 1 / (1 + Math.exp(-z))
    case 'linear':
      return z
  }
}
