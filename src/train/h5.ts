import * as h5wasm from 'h5wasm/node'
import { messageOf } from '../base/errors.js'
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
  await ready()
  const { spec, state, optimiser } = model
  const keras = kerasModel(spec, model.widths)
  const { slots } = layout(spec)
  const file = open(path, 'w')
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
    weights.create_group('top_level_model_weights')
    if (withMoments) writeOptimiser(file, optimiser, model, slots)
    file.close()
  } catch (error) {
    close(file)
    throw new Error(`${path}: cannot be written: ${reason(error)}`, { cause: error })
  }
}

/** HDF5 reports a full disk and all else on stderr alone, and goes on: make it throw. */
async function ready(): Promise<void> {
  const module = await h5wasm.ready
  module.activate_throwing_error_handler()
}

function open(path: string, mode: 'r' | 'w'): h5wasm.File {
  try {
    return new h5wasm.File(path, mode)
  } catch (error) {
    throw new Error(`${path}: cannot be opened: ${reason(error)}`, { cause: error })
  }
}

/** After a fault in between, closing fails too: the first fault tells more. */
function close(file: h5wasm.File): void {
  try {
    file.close()
  } catch {
    // told already
  }
}

/** HDF5's own message has a line for each caller: take the system's word, else the innermost. */
function reason(error: unknown): string {
  const text = messageOf(error)
  return (
    /error message = '([^']*)'/.exec(text)?.[1] ??
    [...text.matchAll(/minor: (.*)/g)].at(-1)?.[1] ??
    text
  )
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
 * Read back what writeModel wrote, bit for bit. Without moments in the file: none, and step 0.
 *
 * @throws Error if a tensor is missing or has another shape: the file is damaged or of another model
 */
export async function readModel(
  path: string,
  spec: ModelSpec,
  optimiser: OptimiserName,
): Promise<State> {
  await ready()
  const { slots, size } = layout(spec)
  const file = open(path, 'r')
  try {
    const dataset = (name: string): h5wasm.Dataset => {
      const found = find(file, name)
      if (!(found instanceof h5wasm.Dataset)) throw new Error(`${path}: ${name} is missing`)
      return found
    }
    const read = (name: string, length: number) => {
      const value = dataset(name).value
      const array = value instanceof Float32Array ? value : undefined
      if (array?.length !== length) throw new Error(`${path}: ${name} is of another shape`)
      return array
    }
    const prefix = `optimizer_weights/${optimiser.toLowerCase()}`
    const trains = find(file, 'optimizer_weights') !== undefined
    const weights = new Float32Array(size)
    const names = trains ? momentNames(optimiser) : []
    const moments = names.map(() => new Float32Array(size))
    for (const { name, layer, offset, length } of slots) {
      weights.set(read(`model_weights/${layer.name}/${name}`, length), offset)
      names.forEach((moment, i) =>
        moments[i]!.set(read(`${prefix}/${name.replace('/', '_')}_${moment}`, length), offset),
      )
    }
    if (!trains) return { weights, moments, step: 0, momentum: 1 }
    const scalar = (name: string) => Number(dataset(`${prefix}/${name}`).value)
    const momentum = optimiser === 'Nadam' ? scalar('u_product') : 1
    return { weights, moments, step: scalar('iteration'), momentum }
  } finally {
    close(file)
  }
}

function find(file: h5wasm.File, name: string): unknown {
  try {
    return file.get(name) ?? undefined
  } catch {
    return undefined
  }
}
