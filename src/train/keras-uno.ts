import { kerasModel } from './keras-model.js'
import type { Activation, Dense, ModelSpec } from './spec.js'

/** A layer of `model_config`, as far as it decides what the model computes. */
interface Layer {
  readonly class_name: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly inbound_nodes?: unknown
}

const ACTIVATIONS: readonly string[] = ['relu', 'tanh', 'sigmoid', 'linear'] satisfies Activation[]

/**
 * The spec of Uno from the `model_config` that `kerasModel` made of it, or that Keras made of that.
 *
 * @throws Error naming what is not Uno's
 */
export function unoOf(config: unknown): {
  readonly spec: ModelSpec
  readonly widths: readonly [number, number]
} {
  const layers = layersOf(config)
  const widths = [inputWidth(layers, 'cell'), inputWidth(layers, 'drug')] as const
  const cell = stack(layers, 'cell', widths[0])
  const drug = stack(layers, 'drug', widths[1])
  const joint = (cell.at(-1)?.units ?? widths[0]) + (drug.at(-1)?.units ?? widths[1])
  const interaction = stack(layers, 'interaction', joint)
  const output = dense(layers, 'auc', interaction.at(-1)?.units ?? joint)
  if (!output) throw foreign('no layer "auc"')
  const spec = { cell, drug, interaction, output }
  // that it has the layers of Uno does not mean that they are joined alike
  const ours = new Map(layersOf(kerasModel(spec, widths).config).map(l => [l.name, gist(l)]))
  const odd = layers.find(layer => ours.get(layer.name) !== gist(layer))
  if (odd) throw foreign(`layer "${odd.name}" is another one`)
  if (layers.length !== ours.size) throw foreign(`${layers.length} layers, want ${ours.size}`)
  return { spec, widths }
}

function layersOf(config: unknown): readonly Layer[] {
  const layers = (config as { config?: { layers?: unknown } } | null)?.config?.layers
  if (!Array.isArray(layers)) throw foreign('no layers')
  return layers as Layer[]
}

function inputWidth(layers: readonly Layer[], name: string): number {
  const input = layers.find(l => l.class_name === 'InputLayer' && l.name === name)
  const width = (input?.config['batch_shape'] as readonly unknown[] | undefined)?.[1]
  if (typeof width !== 'number') throw foreign(`no input "${name}"`)
  return width
}

function stack(layers: readonly Layer[], name: string, inputs: number): readonly Dense[] {
  const found: Dense[] = []
  for (;;) {
    const width = found.at(-1)?.units ?? inputs
    const next = dense(layers, `${name}_dense_${found.length + 1}`, width)
    if (!next) return found
    found.push(next)
  }
}

function dense(layers: readonly Layer[], name: string, inputs: number): Dense | undefined {
  const layer = layers.find(l => l.class_name === 'Dense' && l.name === name)
  if (!layer) return undefined
  const { units, activation } = layer.config
  if (typeof activation !== 'string' || !ACTIVATIONS.includes(activation))
    throw foreign(`layer "${name}" has activation ${JSON.stringify(activation)}`)
  const dropout = layers.find(l => l.name === name.replace('_dense_', '_dropout_'))?.config['rate']
  return {
    name,
    inputs,
    units: Number(units),
    activation: activation as Activation,
    dropout: typeof dropout === 'number' ? dropout : 0,
  }
}

/** What a layer computes from which others. Its inputs are found by Keras' history of tensors. */
function gist({ class_name, name, config, inbound_nodes }: Layer): string {
  const from = [...JSON.stringify(inbound_nodes).matchAll(/"keras_history":\["([^"]*)"/g)]
  const { units, activation, use_bias, axis } = config
  return JSON.stringify([class_name, name, units, activation, use_bias, axis, from.map(m => m[1])])
}

function foreign(what: string): Error {
  return new Error(`its model_config is not that of Uno: ${what}`)
}
