import * as h5wasm from 'h5wasm/node'
import { kerasModel } from './keras-model.js'
import { momentNames } from './optimisers.js'
import { layout, type ModelSpec, type OptimiserName } from './spec.js'
import type { State } from './trainer.js'

/** What model.h5 holds: the whole training state, in Keras' layout. */
export interface Model {
  readonly spec: ModelSpec
  readonly widths: readonly [cell: number, drug: number]
  readonly optimiser: OptimiserName
  readonly learningRate: number
  readonly state: State
}

const KERAS_VERSION = '3.15.1'

/**
 * Write model.h5. HDF5 stamps the clock into the file: call it only where Date.now stands still
 * (h5-worker.ts), so that the bytes are a function of the model alone.
 *
 * @param withMoments leave the optimiser's state out to halve the file
 */
export async function writeModel(path: string, model: Model, withMoments: boolean): Promise<void> {
  await h5wasm.ready
  const { spec, state, optimiser } = model
  const keras = kerasModel(spec, model.widths)
  const { slots } = layout(spec)
  const file = new h5wasm.File(path, 'w')
  try {
    file.create_attribute('backend', 'tensorflow')
    file.create_attribute('keras_version', KERAS_VERSION)
    file.create_attribute('model_config', JSON.stringify(keras.config))
    const weights = file.create_group('model_weights')
    weights.create_attribute('backend', 'tensorflow')
    weights.create_attribute('keras_version', KERAS_VERSION)
    weights.create_attribute('layer_names', [...keras.layerNames])
    for (const name of keras.layerNames) {
      const group = weights.create_group(name)
      const own = slots.filter(slot => slot.layer.name === name)
      if (own.length === 0) continue
      group.create_attribute(
        'weight_names',
        own.map(slot => slot.name),
      )
      const inner = group.create_group(name)
      for (const { name: full, offset, length, shape } of own)
        inner.create_dataset({
          name: full.slice(name.length + 1),
          data: state.weights.subarray(offset, offset + length),
          shape: [...shape],
          dtype: '<f',
        })
    }
    if (withMoments) writeOptimiser(file, optimiser, model, slots)
    file.flush()
  } finally {
    file.close()
  }
}

function writeOptimiser(
  file: h5wasm.File,
  optimiser: OptimiserName,
  { state, learningRate }: Model,
  slots: ReturnType<typeof layout>['slots'],
): void {
  const prefix = optimiser.toLowerCase()
  const all = file.create_group('optimizer_weights')
  const group = all.create_group(prefix)
  const names: string[] = []
  const add = (
    name: string,
    data: Float32Array | Float64Array | BigInt64Array,
    shape: readonly number[],
    dtype: string,
  ) => {
    names.push(`${prefix}/${name}`)
    group.create_dataset({ name, data, shape: [...shape], dtype })
  }
  add('iteration', BigInt64Array.from([BigInt(state.step)]), [], '<q')
  add('learning_rate', Float32Array.from([learningRate]), [], '<f')
  if (optimiser === 'Nadam') add('u_product', Float64Array.from([state.momentum]), [], '<d')
  for (const { name, offset, length, shape } of slots)
    momentNames(optimiser).forEach((moment, i) =>
      add(
        `${name.replace('/', '_')}_${moment}`,
        state.moments[i]!.subarray(offset, offset + length),
        shape,
        '<f',
      ),
    )
  all.create_attribute('weight_names', names)
}

/**
 * Read back what writeModel wrote with moments, bit for bit.
 * @throws Error if a tensor is missing or has another shape: the file is damaged or of another model
 */
export async function readModel(
  path: string,
  spec: ModelSpec,
  optimiser: OptimiserName,
): Promise<State> {
  await h5wasm.ready
  const { slots, size } = layout(spec)
  const file = new h5wasm.File(path, 'r')
  try {
    const read = (name: string, length: number) => {
      const dataset = file.get(name)
      const value = dataset instanceof h5wasm.Dataset ? dataset.value : undefined
      const array = value instanceof Float32Array ? value : undefined
      if (array?.length !== length)
        throw new Error(`${path}: ${name} is missing or of another shape`)
      return array
    }
    const prefix = `optimizer_weights/${optimiser.toLowerCase()}`
    const weights = new Float32Array(size)
    const moments = momentNames(optimiser).map(() => new Float32Array(size))
    for (const { name, layer, offset, length } of slots) {
      weights.set(read(`model_weights/${layer.name}/${name}`, length), offset)
      momentNames(optimiser).forEach((moment, i) =>
        moments[i]!.set(read(`${prefix}/${name.replace('/', '_')}_${moment}`, length), offset),
      )
    }
    const scalar = (name: string) => {
      const dataset = file.get(`${prefix}/${name}`)
      if (!(dataset instanceof h5wasm.Dataset)) throw new Error(`${path}: ${name} is missing`)
      return Number(dataset.value)
    }
    const momentum = optimiser === 'Nadam' ? scalar('u_product') : 1
    return { weights, moments, step: scalar('iteration'), momentum }
  } finally {
    file.close()
  }
}
