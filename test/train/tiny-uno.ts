import type { Activation, Dense, ModelSpec } from '../../src/train/spec.js'

/** The model of the oracle tiny-uno: 5 cell features, 7 drug features, layers of 8. */
export function tinySpec(dropout: number, width = 8): ModelSpec {
  const dense = (name: string, inputs: number, activation: Activation = 'relu'): Dense => ({
    name,
    inputs,
    units: width,
    activation,
    dropout,
  })
  const tower = (name: string, inputs: number, depth: number) =>
    Array.from({ length: depth }, (_, i) =>
      dense(`${name}_dense_${i + 1}`, i === 0 ? inputs : width),
    )
  return {
    cell: tower('cell', 5, 3),
    drug: tower('drug', 7, 3),
    interaction: tower('interaction', 2 * width, 5),
    output: { ...dense('auc', width, 'sigmoid'), units: 1, dropout: 0 },
  }
}
