import { firstJoint } from '../graph.js'
import type { Activation, Dense, Layout, Loss, ModelSpec } from '../spec.js'
import type { Tensor, Tensor1D, Tensor2D, Tf } from './tfjs-load.js'

/** Kernel and bias of a layer. */
export interface Weights {
  readonly kernel: Tensor2D
  readonly bias: Tensor1D
}

/** The parts of a flat state by the names of their layers. Slices begin on 64 bytes: TensorFlow then copies nothing. */
export function weightsOf(tf: Tf, { slots }: Layout, flat: Tensor): (layer: Dense) => Weights {
  const parts = new Map(
    slots.map(({ name, offset, length, shape }) => {
      const part = tf.slice(flat, offset, length)
      return [name, shape.length === 1 ? part : tf.reshape(part, [...shape])] // biases are flat already
    }),
  )
  return ({ name }) => ({
    kernel: parts.get(`${name}/kernel`) as Tensor2D,
    bias: parts.get(`${name}/bias`) as Tensor1D,
  })
}

/** Through layers one behind the other, without dropout. */
export function through(
  tf: Tf,
  all: readonly Dense[],
  weights: (layer: Dense) => Weights,
  x: Tensor2D,
): Tensor2D {
  for (const layer of all) {
    const { kernel, bias } = weights(layer)
    x = activate(tf, layer.activation, tf.add(tf.matMul(x, kernel), bias))
  }
  return x
}

/** Tensors of one batch. */
export interface Batch {
  /** [n, cell features] */
  readonly cell: Tensor2D
  /** [n, drug features] */
  readonly drug: Tensor2D
  /** [n, 1] */
  readonly y: Tensor2D
  /** What each row counts in the mean, [n, 1]. */
  readonly weight: Tensor2D
  /** [n, units] of each layer with dropout, by name: 0 or 1 / (1 − dropout). */
  readonly masks: ReadonlyMap<string, Tensor2D>
}

/** What backward needs of a layer. */
interface Passed {
  readonly layer: Dense
  readonly input: Tensor2D
  /** Before dropout. */
  readonly output: Tensor2D
}

/**
 * Loss of a batch and its gradient, written out: TensorFlow's own derivative of |x| is −1 at 0.
 * To be called within a `tidy`.
 *
 * @param flat weights @returns loss, and the gradient, flat as the weights
 */
export function lossAndGradient(
  tf: Tf,
  spec: ModelSpec,
  plan: Layout,
  loss: Loss['type'],
  flat: Tensor,
  { cell, drug, y, weight, masks }: Batch,
): readonly [loss: Tensor, gradient: Tensor] {
  const weights = weightsOf(tf, plan, flat)
  const gradients = new Map<string, Tensor>()

  const ahead = (all: readonly Dense[], input: Tensor2D): readonly [Tensor2D, Passed[]] => {
    const passed: Passed[] = []
    for (const layer of all) {
      const output = through(tf, [layer], weights, input)
      passed.push({ layer, input, output })
      const mask = masks.get(layer.name)
      input = mask ? tf.mul(output, mask) : output
    }
    return [input, passed]
  }
  /** @param slope by the output of the last layer @returns by the input of the first, if wanted */
  const back = (passed: readonly Passed[], slope: Tensor2D, wanted: boolean): Tensor2D => {
    for (const [i, { layer, input, output }] of [...passed.entries()].reverse()) {
      const mask = masks.get(layer.name)
      if (mask) slope = tf.mul(slope, mask)
      slope = derive(tf, layer.activation, output, slope)
      gradients.set(`${layer.name}/kernel`, tf.matMul(input, slope, true))
      gradients.set(`${layer.name}/bias`, tf.sum(slope, 0))
      if (i > 0 || wanted) slope = tf.matMul(slope, weights(layer).kernel, false, true)
    }
    return slope
  }

  const [cellOut, cellPassed] = ahead(spec.cell, cell)
  const [drugOut, drugPassed] = ahead(spec.drug, drug)
  const joined = tf.concat([cellOut, drugOut], 1)
  const [predicted, passed] = ahead([...spec.interaction, spec.output], joined)
  const error = tf.sub(predicted, y)
  const [met, slope] =
    loss === 'mse'
      ? [tf.mul(weight, tf.square(error)), tf.mul(tf.mul(weight, error), 2)]
      : [tf.mul(weight, tf.abs(error)), tf.mul(weight, tf.sign(error))]
  const towers = spec.cell.length + spec.drug.length > 0
  const joint = back(passed, slope as Tensor2D, towers)
  if (towers) {
    const [ofCell, ofDrug] = tf.split(joint, [cellOut.shape[1], drugOut.shape[1]], 1)
    back(cellPassed, ofCell as Tensor2D, false)
    back(drugPassed, ofDrug as Tensor2D, false)
  }
  return [tf.sum(met), flatten(tf, plan, gradients)]
}

/** One array in the order of the layout, its padding 0. */
function flatten(tf: Tf, { slots, size }: Layout, parts: ReadonlyMap<string, Tensor>): Tensor {
  const pieces = slots.flatMap(({ name, offset, length }, i) => {
    const padding = (slots[i + 1]?.offset ?? size) - offset - length
    const shaped = parts.get(name)!
    const part = shaped.rank === 1 ? shaped : tf.reshape(shaped, [length])
    return padding > 0 ? [part, tf.zeros([padding])] : [part]
  })
  return tf.concat(pieces)
}

/** The part of the first joint layer's kernel that a tower's output meets. */
export function jointPart(
  tf: Tf,
  spec: ModelSpec,
  weights: (layer: Dense) => Weights,
  tower: 'cell' | 'drug',
  width: number,
): Tensor2D {
  const { kernel } = weights(firstJoint(spec))
  const from = tower === 'cell' ? 0 : kernel.shape[0] - width
  return tf.slice(kernel, [from, 0], [width, kernel.shape[1]])
}

export function activate(tf: Tf, activation: Activation, x: Tensor2D): Tensor2D {
  switch (activation) {
    case 'relu':
      return tf.relu(x)
    case 'tanh':
      return tf.tanh(x)
    case 'sigmoid':
      return tf.sigmoid(x)
    case 'linear':
      return x
  }
}

/** The slope before an activation, from that behind it and its output. */
function derive(tf: Tf, activation: Activation, output: Tensor2D, slope: Tensor2D): Tensor2D {
  switch (activation) {
    case 'relu':
      return tf.mul(slope, tf.step(output))
    case 'tanh':
      return tf.mul(slope, tf.sub(1, tf.square(output)))
    case 'sigmoid':
      return tf.mul(slope, tf.mul(output, tf.sub(1, output)))
    case 'linear':
      return slope
  }
}
