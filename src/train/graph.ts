import { newBuilder, type Builder } from './graph-builder.js'
import { onnxModel } from './onnx.js'
import type { Activation, Dense, Loss, ModelSpec } from './spec.js'
import type { Tables } from './trainer.js'

type Widths = Pick<Tables, 'cellFeatures' | 'drugFeatures'>

/**
 * The training step as one graph: forward, loss and the gradient of every weight, no optimiser.
 *
 *     in    cell_table [C, G], drug_table [D, F]      resident feature tables
 *           cell, drug [n]                             rows of the batch, as codes
 *           y, weight [n, 1]                           weight: what the row counts in the mean loss
 *           NAME/mask [n, units]                       0 or 1 / (1 - dropout), for each layer with dropout
 *           NAME/kernel, NAME/bias
 *     out   loss []                                    Σ weight · |y − ŷ|, or of squares
 *           NAME/kernel/grad, NAME/bias/grad
 *
 * With a custom loss, `slope` [n, 1] goes in for y and weight: what forwardGraph's prediction makes of it.
 */
export function trainingGraph(
  spec: ModelSpec,
  loss: Loss['type'],
  { cellFeatures, drugFeatures }: Widths,
): Uint8Array {
  const g = newBuilder()
  const { cellTower, drugTower, head } = wholeForward(g, spec, { cellFeatures, drugFeatures })
  const slope = loss === 'custom' ? g.input('slope', 'float', ['n', 1]) : lossOn(g, head.out, loss)

  const [lastCell, lastDrug] = [spec.cell.at(-1), spec.drug.at(-1)]
  const together = scaleOf(lastCell) === scaleOf(lastDrug)
  const both = backward(g, head, slope, together ? scaleOf(lastCell) : 1)
  const [intoCell, intoDrug] = g.split(both!, [
    lastCell?.units ?? cellFeatures,
    lastDrug?.units ?? drugFeatures,
  ])
  const scaled = (x: string, last: Dense | undefined) =>
    together || scaleOf(last) === 1 ? x : g.add('Mul', [x, g.scalar(scaleOf(last))])
  backward(g, cellTower, scaled(intoCell, lastCell), undefined)
  backward(g, drugTower, scaled(intoDrug, lastDrug), undefined)
  return onnxModel(g.graph())
}

/**
 * What the training step predicts, with the masks: for a loss that is not in the graph.
 *
 *     in    as trainingGraph, but y and weight
 *     out   prediction [n, 1]
 */
export function forwardGraph(spec: ModelSpec, widths: Widths): Uint8Array {
  const g = newBuilder()
  g.output('prediction', wholeForward(g, spec, widths).head.out, ['n', 1])
  return onnxModel(g.graph())
}

function wholeForward(g: Builder, spec: ModelSpec, { cellFeatures, drugFeatures }: Widths) {
  const cellTower = forward(g, gathered(g, 'cell', cellFeatures), spec.cell)
  const drugTower = forward(g, gathered(g, 'drug', drugFeatures), spec.drug)
  const joined = g.add('Concat', [cellTower.out, drugTower.out], { axis: 1 })
  return { cellTower, drugTower, head: forward(g, joined, [...spec.interaction, spec.output]) }
}

/** @returns slope of the mean loss by each prediction */
function lossOn(g: Builder, predicted: string, loss: 'mse' | 'mae' | 'mae_poly'): string {
  const y = g.input('y', 'float', ['n', 1])
  const weight = g.input('weight', 'float', ['n', 1])
  const error = g.add('Sub', [predicted, y])
  const weighted = g.add('Mul', [weight, loss === 'mse' ? error : g.add('Sign', [error])])
  g.output('loss', g.add('ReduceSum', [g.add('Mul', [weighted, error])], { keepdims: 0 }), [])
  return loss === 'mse' ? g.add('Mul', [weighted, g.scalar(2)]) : weighted
}

/**
 * One tower over all rows of a table, times its part of the first layer behind the concatenation:
 * what that layer adds for a cell or a drug is the same in every row that has it.
 *
 *     in    features [rows, width], NAME/kernel, NAME/bias, part [units of the tower, next]
 *     out   part_out [rows, next]
 */
export function towerGraph(
  spec: ModelSpec,
  tower: 'cell' | 'drug',
  { cellFeatures, drugFeatures }: Widths,
): Uint8Array {
  const g = newBuilder()
  const width = tower === 'cell' ? cellFeatures : drugFeatures
  let x = g.input('features', 'float', ['rows', width])
  for (const layer of spec[tower]) x = g.activate(g.dense(x, layer), layer.activation)
  const next = firstJoint(spec)
  const part = g.input('part', 'float', [spec[tower].at(-1)?.units ?? width, next.units])
  g.output('part_out', g.add('MatMul', [x, part]), ['rows', next.units])
  return onnxModel(g.graph())
}

/**
 * The rest: rows from the parts of their cell and drug.
 *
 *     in    cell_part [C, next], drug_part [D, next], cell, drug [n], NAME/kernel, NAME/bias
 *     out   prediction [n, 1]
 */
export function headGraph(spec: ModelSpec): Uint8Array {
  const g = newBuilder()
  const [next, ...rest] = [...spec.interaction, spec.output]
  const part = (name: 'cell' | 'drug') =>
    g.add(
      'Gather',
      [g.input(`${name}_part`, 'float', [name, next.units]), g.input(name, 'int32', ['n'])],
      { axis: 0 },
    )
  const sum = g.add('Add', [
    g.add('Add', [part('cell'), part('drug')]),
    g.input(`${next.name}/bias`, 'float', [next.units]),
  ])
  let x = g.activate(sum, next.activation)
  for (const layer of rest) x = g.activate(g.dense(x, layer), layer.activation)
  g.output('prediction', x, ['n', 1])
  return onnxModel(g.graph())
}

/** The layer behind the concatenation. */
export function firstJoint(spec: ModelSpec): Dense {
  return spec.interaction[0] ?? spec.output
}

/** What backward needs of a stack of layers. */
interface Stack {
  readonly layers: readonly {
    readonly layer: Dense
    readonly input: string
    /** Output of the activation. */
    readonly active: string
    /** Output of the dropout; `active` where there is none. */
    readonly out: string
    readonly mask: string | undefined
  }[]
  readonly out: string
}

function gathered(g: Builder, name: 'cell' | 'drug', width: number): string {
  const table = g.input(`${name}_table`, 'float', [`${name}_rows`, width])
  return g.add('Gather', [table, g.input(name, 'int32', ['n'])], { axis: 0 })
}

function forward(g: Builder, x: string, dense: readonly Dense[]): Stack {
  const layers = []
  let input = x
  for (const layer of dense) {
    const active = g.activate(g.dense(input, layer), layer.activation)
    const mask =
      layer.dropout > 0 ? g.input(`${layer.name}/mask`, 'float', ['n', layer.units]) : undefined
    const out = mask === undefined ? active : g.add('Mul', [active, mask])
    layers.push({ layer, input, active, out, mask })
    input = out
  }
  return { layers, out: input }
}

/**
 * Gradients of a stack, given the slope of the loss by its output.
 * @param below scale of what the stack stands on: the slope by its input is wanted, times that.
 *   undefined for the towers, whose inputs are data
 */
function backward(
  g: Builder,
  stack: Stack,
  slope: string,
  below: number | undefined,
): string | undefined {
  let out = slope
  for (let i = stack.layers.length - 1; i >= 0; i--) {
    const { layer, input, active, out: dropped, mask } = stack.layers[i]!
    const z = slopeOfZ(g, layer.activation, out, active, dropped, mask)
    g.output(`${layer.name}/kernel/grad`, g.add('Gemm', [input, z], { transA: 1 }), [
      layer.inputs,
      layer.units,
    ])
    const sums = g.add('ReduceSum', [z, g.axes0()], { keepdims: 0 })
    g.output(`${layer.name}/bias/grad`, sums, [layer.units])
    const alpha = i > 0 ? scaleOf(stack.layers[i - 1]!.layer) : below
    if (alpha === undefined) return undefined
    out = g.add('Gemm', [z, `${layer.name}/kernel`], { transB: 1, alpha: { float: alpha } })
  }
  return out
}

/** What the slope by a layer's output is multiplied with on its way: free in the product that makes it. */
function scaleOf(layer: Dense | undefined): number {
  return layer?.activation === 'relu' && layer.dropout > 0 ? 1 / (1 - layer.dropout) : 1
}

/** Slope by the layer's sum z, from the slope by what leaves its dropout. */
function slopeOfZ(
  g: Builder,
  activation: Activation,
  slope: string,
  active: string,
  dropped: string,
  mask: string | undefined,
): string {
  // relu and dropout together: something came out, or not; the scale is in `slope` already
  if (activation === 'relu') return g.add('Mul', [slope, positive(g, dropped)])
  const through = mask === undefined ? slope : g.add('Mul', [slope, mask])
  switch (activation) {
    case 'linear':
      return through
    case 'sigmoid':
      return g.add('Mul', [through, g.add('Mul', [active, g.add('Sub', [g.scalar(1), active])])])
    case 'tanh':
      return g.add('Mul', [through, g.add('Sub', [g.scalar(1), g.add('Mul', [active, active])])])
  }
}

/** 1 where x > 0, 0 where it is 0: Sign, but vectorised (a third of its time). Below 3e-39 it is less than 1. */
function positive(g: Builder, x: string): string {
  return g.add('Min', [g.add('Mul', [x, g.scalar(3e38)]), g.scalar(1)])
}
