import type { Activation, Dense, ModelSpec } from '../../src/train/spec.js'
import type { Stack } from './architecture.js'
import type { Hyperparameters } from './hyperparameters.js'

/**
 * Uno as in IMPROVE: a tower over cell features, one over drug features, concatenated, interaction
 * layers, one output. Each hidden layer is Dense, activation, Dropout.
 *
 * @param cellWidth number of cell features @param drugWidth of drug features
 */
export function unoSpec(
  { cell, drug, interaction, output }: Hyperparameters,
  cellWidth: number,
  drugWidth: number,
): ModelSpec {
  const cellStack = stack('cell', cellWidth, cell)
  const drugStack = stack('drug', drugWidth, drug)
  const joint = widthOf(cellStack, cellWidth) + widthOf(drugStack, drugWidth)
  const interactionStack = stack('interaction', joint, interaction)
  return {
    cell: cellStack,
    drug: drugStack,
    interaction: interactionStack,
    output: dense('auc', widthOf(interactionStack, joint), 1, output, 0),
  }
}

function stack(name: string, inputs: number, layers: Stack): Dense[] {
  return layers.map(({ units, activation, dropout }, i) => {
    const from = i === 0 ? inputs : layers[i - 1]!.units
    return dense(`${name}_dense_${i + 1}`, from, units, activation, dropout)
  })
}

function dense(
  name: string,
  inputs: number,
  units: number,
  activation: Activation,
  dropout: number,
): Dense {
  return { name, inputs, units, activation, dropout }
}

function widthOf(layers: readonly Dense[], inputs: number): number {
  return layers.at(-1)?.units ?? inputs
}
