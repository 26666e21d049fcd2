import { newBuilder } from './graph-builder.js'
import type { Network } from './h5.js'
import { onnxModel } from './onnx.js'
import { layout, type Dense } from './spec.js'

/**
 * A trained model as a plain ONNX file, for any runtime: no dropout, any number of rows.
 *
 *     in    cell [batch, G], drug [batch, F]      features, as the model was trained on
 *     out   auc [batch, 1]
 *     metadata   cell_features, drug_features     names of the columns, JSON, where the model has them
 */
export function inferenceModel({ spec, widths, weights, features }: Network): Uint8Array {
  const g = newBuilder()
  const stack = (x: string, all: readonly Dense[]) =>
    all.reduce((input, layer) => g.activate(g.dense(input, layer), layer.activation), x)
  const [cellWidth, drugWidth] = widths
  const cell = stack(g.input('cell', 'float', ['batch', cellWidth]), spec.cell)
  const drug = stack(g.input('drug', 'float', ['batch', drugWidth]), spec.drug)
  const joined = g.add('Concat', [cell, drug], { axis: 1 })
  g.output('auc', stack(joined, [...spec.interaction, spec.output]), ['batch', 1])

  const graph = g.graph()
  const slots = new Map(layout(spec).slots.map(slot => [slot.name, slot]))
  const constants = graph.inputs.flatMap(input => {
    const slot = slots.get(input.name)
    return slot
      ? [{ ...input, values: weights.subarray(slot.offset, slot.offset + slot.length) }]
      : []
  })
  return onnxModel(
    { ...graph, inputs: graph.inputs.filter(({ name }) => !slots.has(name)), constants },
    features && {
      cell_features: JSON.stringify(features.cell),
      drug_features: JSON.stringify(features.drug),
    },
  )
}
