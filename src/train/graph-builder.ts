import type { ElementType, Graph, Node, TensorInfo } from './onnx.js'
import type { Activation, Dense } from './spec.js'

/** Collects nodes; every method adds one operation and returns the name of its result. */
export interface Builder {
  input(name: string, type: ElementType, shape: readonly (number | string)[]): string
  output(name: string, from: string, shape: readonly (number | string)[]): void
  add(op: string, inputs: readonly string[], attributes?: Node['attributes']): string
  split(input: string, sizes: readonly [number, number]): readonly [string, string]
  scalar(value: number): string
  /** The constant [0]: axes of a sum over rows. */
  axes0(): string
  /** x · W + b */
  dense(x: string, layer: Dense): string
  activate(z: string, activation: Activation): string
  graph(): Graph
}

export function newBuilder(): Builder {
  const nodes: Node[] = []
  const inputs: TensorInfo[] = []
  const outputs: TensorInfo[] = []
  const constants: (TensorInfo & { values: readonly number[] })[] = []
  let count = 0
  const fresh = (op: string) => `${op}_${++count}`
  const known = new Map<string, string>()
  const builder: Builder = {
    input: (name, type, shape) => {
      if (!known.has(name)) inputs.push({ name, type, shape })
      known.set(name, name)
      return name
    },
    output: (name, from, shape) => {
      nodes.push({ op: 'Identity', inputs: [from], outputs: [name] })
      outputs.push({ name, type: 'float', shape })
    },
    add: (op, from, attributes) => {
      const result = fresh(op)
      nodes.push({ op, inputs: from, outputs: [result], ...(attributes && { attributes }) })
      return result
    },
    split: (input, sizes) => {
      const lengths = fresh('sizes')
      constants.push({ name: lengths, type: 'int64', shape: [2], values: sizes })
      const results = [fresh('Split'), fresh('Split')] as const
      nodes.push({
        op: 'Split',
        inputs: [input, lengths],
        outputs: results,
        attributes: { axis: 1 },
      })
      return results
    },
    scalar: value => {
      const name = fresh('scalar')
      constants.push({ name, type: 'float', shape: [], values: [value] })
      return name
    },
    axes0: () => {
      const name = fresh('axes')
      constants.push({ name, type: 'int64', shape: [1], values: [0] })
      return name
    },
    dense: (x, layer) =>
      builder.add('Gemm', [
        x,
        builder.input(`${layer.name}/kernel`, 'float', [layer.inputs, layer.units]),
        builder.input(`${layer.name}/bias`, 'float', [layer.units]),
      ]),
    activate: (z, activation) => {
      switch (activation) {
        case 'relu':
          return builder.add('Relu', [z])
        case 'tanh':
          return builder.add('Tanh', [z])
        case 'sigmoid':
          return builder.add('Sigmoid', [z])
        case 'linear':
          return z
      }
    },
    graph: () => ({ nodes, inputs, outputs, constants }),
  }
  return builder
}
