import type { Json } from '../base/digest.js'
import type { Dense, ModelSpec } from './spec.js'

/** A model as Keras 3 writes it into `model_config`, so that keras.models.load_model opens it. */
export interface KerasModel {
  /** All layers in Keras' order. */
  readonly layerNames: readonly string[]
  readonly config: Json
}

export function kerasModel(spec: ModelSpec, widths: readonly [number, number]): KerasModel {
  const [cell, drug] = [tower('cell', widths[0], spec.cell), tower('drug', widths[1], spec.drug)]
  const layers: Layer[] = []
  // Keras gives weights to its layers by position, and sorts them by their distance from the output
  for (let left = Math.max(cell.length, drug.length); left > 0; left--)
    for (const layer of [cell.at(-left), drug.at(-left)]) if (layer) layers.push(layer)
  const [lastCell, lastDrug] = [cell.at(-1)!, drug.at(-1)!]
  let last: Layer = {
    className: 'Concatenate',
    config: { name: 'concat', trainable: true, dtype: FLOAT32, axis: -1 },
    width: lastCell.width + lastDrug.width,
    inbound: [{ args: [[kerasTensor(lastCell), kerasTensor(lastDrug)]], kwargs: {} }],
  }
  layers.push(last)
  for (const layer of spec.interaction) {
    const before = denseOn(last, layer)
    last = dropoutOn(before, layer)
    layers.push(before, last)
  }
  layers.push(denseOn(last, spec.output))
  return {
    layerNames: layers.map(l => l.config.name),
    config: {
      class_name: 'Functional',
      config: {
        name: 'uno',
        trainable: true,
        layers: layers.map(layerJson),
        input_layers: [
          ['cell', 0, 0],
          ['drug', 0, 0],
        ],
        output_layers: [spec.output.name, 0, 0],
      },
    },
  }
}

interface Layer {
  readonly className: string
  readonly config: { readonly name: string } & Record<string, Json>
  /** Of its output. */
  readonly width: number
  readonly inbound: Json
}

/** The input, then dense and dropout for each layer. */
function tower(name: string, width: number, stack: readonly Dense[]): readonly Layer[] {
  const config = { batch_shape: [null, width], dtype: 'float32', sparse: false, ragged: false }
  const chain: Layer[] = [
    { className: 'InputLayer', config: { ...config, name, optional: false }, width, inbound: [] },
  ]
  for (const layer of stack) {
    const before = denseOn(chain.at(-1)!, layer)
    chain.push(before, dropoutOn(before, layer))
  }
  return chain
}

function denseOn(from: Layer, layer: Dense): Layer {
  const inbound = [{ args: [kerasTensor(from)], kwargs: {} }]
  return { className: 'Dense', config: denseConfig(layer), width: layer.units, inbound }
}

function dropoutOn(from: Layer, layer: Dense): Layer {
  const name = layer.name.replace('_dense_', '_dropout_')
  const { dropout: rate } = layer
  return {
    className: 'Dropout',
    config: { name, trainable: true, dtype: FLOAT32, rate, seed: null, noise_shape: null },
    width: from.width,
    inbound: [{ args: [kerasTensor(from)], kwargs: { training: false } }],
  }
}

function layerJson({ className, config, inbound }: Layer): Json {
  return { class_name: className, config, name: config.name, inbound_nodes: inbound }
}

const FLOAT32: Json = {
  module: 'keras',
  class_name: 'DTypePolicy',
  config: { name: 'float32' },
  registered_name: null,
}

function kerasTensor({ config: { name }, width }: Layer): Json {
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
