/**
 * A writer of ONNX models: just enough protobuf for graphs of named tensors.
 * @see onnx.proto3; field numbers are in the comments
 */
export type ElementType = 'float' | 'int32' | 'int64'

export interface TensorInfo {
  readonly name: string
  readonly type: ElementType
  /** Numbers are fixed, names are symbolic dimensions. */
  readonly shape: readonly (number | string)[]
}

export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Integers stay integers; give floats as { float }. */
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { float: number }>>
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  /** Scalars and small vectors; of an exported model the weights too. */
  readonly constants: readonly Constant[]
}

export type Constant = TensorInfo & { readonly values: readonly number[] | Float32Array }

const TYPE = { float: 1, int32: 6, int64: 7 } as const
const OPSET = 17

/** Serialise as an ONNX ModelProto. @param metadata what readers see as custom metadata */
export function onnxModel(
  graph: Graph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const body = message(
    ...graph.nodes.map(node => bytes(1, nodeProto(node))),
    text(2, 'uno'),
    ...graph.constants.map(constant => bytes(5, tensorProto(constant))),
    ...graph.inputs.map(info => bytes(11, valueInfo(info))),
    ...graph.outputs.map(info => bytes(12, valueInfo(info))),
  )
  return message(
    integer(1, 8), // ir_version
    text(2, 'upf-heds'),
    bytes(7, body),
    bytes(8, message(text(1, ''), integer(2, OPSET))),
    ...Object.entries(metadata).map(([key, value]) =>
      bytes(14, message(text(1, key), text(2, value))),
    ),
  )
}

function nodeProto({ op, inputs, outputs, attributes = {} }: Node): Uint8Array {
  return message(
    ...inputs.map(name => text(1, name)),
    ...outputs.map(name => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  )
}

function attribute(
  name: string,
  value: number | readonly number[] | { float: number },
): Uint8Array {
  if (typeof value === 'number') return message(text(1, name), integer(3, value), integer(20, 2))
  if ('float' in value) return message(text(1, name), float(2, value.float), integer(20, 1))
  return message(text(1, name), ...value.map(v => integer(8, v)), integer(20, 7))
}

function tensorProto(constant: Constant): Uint8Array {
  const data =
    constant.type === 'float'
      ? new Float32Array(constant.values)
      : constant.type === 'int32'
        ? new Int32Array(constant.values)
        : BigInt64Array.from(constant.values, BigInt)
  return message(
    ...constant.shape.map(dim => integer(1, dim as number)),
    integer(2, TYPE[constant.type]),
    text(8, constant.name),
    bytes(9, new Uint8Array(data.buffer)),
  )
}

function valueInfo({ name, type, shape }: TensorInfo): Uint8Array {
  const dims = shape.map(dim =>
    bytes(1, typeof dim === 'number' ? message(integer(1, dim)) : message(text(2, dim))),
  )
  const tensor = message(integer(1, TYPE[type]), bytes(2, message(...dims)))
  return message(text(1, name), bytes(2, message(bytes(1, tensor))))
}

// protobuf: a field is its number and wire type, then the value
function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields)
}

function varint(value: number): number[] {
  const out: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  out.push(Number(rest))
  return out
}

function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field << 3), ...varint(value)])
}

function float(field: number, value: number): Uint8Array {
  const data = Buffer.alloc(4)
  data.writeFloatLE(value)
  return Buffer.concat([Uint8Array.from(varint((field << 3) | 5)), data])
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([
    Uint8Array.from([...varint((field << 3) | 2), ...varint(value.length)]),
    value,
  ])
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value))
}
