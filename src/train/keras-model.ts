import type { Json } from '../base/digest.js'
import type { Dense, ModelSpec } from './spec.js'

/** A model as Keras 3 writes it into `model_config`, so that keras.models.load_model opens it. */
export interface KerasModel {
  /** All layers in Keras' order. */
  readonly layerNames: readonly string[]
  readonly config: Json
}

export function kerasModel(spec: ModelSpec, widths: readonly [number, number]): KerasModel {
  const layers: { name: string; json: Json }[] = []
  const add = (className: string, config: { name: string } & Record<string, Json>, inbound: Json) =>
    layers.push({
      name: config.name,
      json: { class_name: className, config, name: config.name, inbound_nodes: inbound },
    })
  const input = (name: string, width: number): Tensor => {
    const config = { batch_shape: [null, width], dtype: 'float32', sparse: false, ragged: false }
    add('InputLayer', { ...config, name, optional: false }, [])
    return { name, width }
  }
  const dense = (layer: Dense, from: Tensor): Tensor => {
    add('Dense', denseConfig(layer), [{ args: [kerasTensor(from)], kwargs: {} }])
    return { name: layer.name, width: layer.units }
  }
  const dropout = (layer: Dense, from: Tensor): Tensor => {
    const name = layer.name.replace('_dense_', '_dropout_')
    add(
      'Dropout',
      { name, trainable: true, dtype: FLOAT32, rate: layer.dropout, seed: null, noise_shape: null },
      [{ args: [kerasTensor(from)], kwargs: { training: false } }],
    )
    return { name, width: from.width }
  }
  let cell = input('cell', widths[0])
  let drug = input('drug', widths[1])
  for (let i = 0; i < Math.max(spec.cell.length, spec.drug.length); i++) {
    const [c, d] = [spec.cell[i], spec.drug[i]]
    if (c) cell = dense(c, cell)
    if (d) drug = dense(d, drug)
    if (c) cell = dropout(c, cell)
    if (d) drug = dropout(d, drug)
  }
  add('Concatenate', { name: 'concat', trainable: true, dtype: FLOAT32, axis: -1 }, [
    { args: [[kerasTensor(cell), kerasTensor(drug)]], kwargs: {} },
  ])
  let joined: Tensor = { name: 'concat', width: cell.width + drug.width }
  for (const layer of spec.interaction) joined = dropout(layer, dense(layer, joined))
  dense(spec.output, joined)
  return {
    layerNames: layers.map(l => l.name),
    config: {
      class_name: 'Functional',
      config: {
        name: 'uno',
        trainable: true,
        layers: layers.map(l => l.json),
        input_layers: [
          ['cell', 0, 0],
          ['drug', 0, 0],
        ],
        output_layers: [spec.output.name, 0, 0],
      },
    },
  }
}

interface Tensor {
  readonly name: string
  readonly width: number
}

const FLOAT32: Json = {
  module: 'keras',
  class_name: 'DTypePolicy',
  config: { name: 'float32' },
  registered_name: null,
}

function kerasTensor({ name, width }: Tensor): Json {
  const config = { shape: [null, width], dtype: 'float32', keras_history: [name, 0, 0] }
  return { class_name: '__keras_tensor__', config }
}

function denseConfig(layer: Dense): { name: string } & Record<string, Json> {
  const initializer = (name: string, config: Json): Json => ({
    module: 'keras.initializers',
    class_name: name,
    config,
    registered_name: null,
  })
  return {
    name: layer.name,
    trainable: true,
    dtype: FLOAT32,
    units: layer.units,
    activation: layer.activation,
    use_bias: true,
    kernel_initializer: initializer('GlorotUniform', { seed: null }),
    bias_initializer: initializer('Zeros', {}),
    kernel_regularizer: null,
    bias_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
  }
}
