import * as h5wasm from 'h5wasm/node'
import { messageOf } from '../base/errors.js'
import { kerasModel } from './keras-model.js'
import { unoOf } from './keras-uno.js'
import { momentNames } from './optimisers.js'
import { layout, type ModelSpec, type OptimiserName, type Slot } from './spec.js'
import type { State } from './trainer.js'

/** What model.h5 holds: the whole training state, in Keras' layout. */
export interface Model {
  readonly spec: ModelSpec
  readonly widths: readonly [cell: number, drug: number]
  readonly optimiser: OptimiserName
  readonly learningRate: number
  readonly state: State
  readonly features?: FeatureNames
}

/** Names of the feature columns, in the order of the inputs. */
export interface FeatureNames {
  readonly cell: readonly string[]
  readonly drug: readonly string[]
}

/** What predicting needs of a model.h5. */
export interface Network {
  readonly spec: ModelSpec
  readonly widths: readonly [cell: number, drug: number]
  /** Flat, in the order of `layout(spec)`. */
  readonly weights: Float32Array
  /** Undefined in a file that was written without. */
  readonly features: FeatureNames | undefined
}

/** Beside what Keras reads: it and h5py ignore the group. */
const FEATURES = 'feature_names'

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
    const place = ({ layer }: Slot) => keras.layerNames.indexOf(layer.name)
    const inKeras = slots.toSorted((a, b) => place(a) - place(b))
    if (withMoments) writeOptimiser(file, optimiser, model, inKeras)
    if (model.features) writeFeatures(file, model.features)
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

function writeFeatures(file: h5wasm.File, { cell, drug }: FeatureNames): void {
  const group = file.create_group(FEATURES)
  for (const [name, names] of [
    ['cell', cell],
    ['drug', drug],
  ] as const)
    group.create_dataset({ name, data: [...names], shape: [names.length], dtype: 'S' })
}

function writeOptimiser(
  file: h5wasm.File,
  optimiser: OptimiserName,
  { state, learningRate }: Model,
  slots: readonly Slot[],
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
    const prefix = `optimizer_weights/${optimiser.toLowerCase()}`
    const group = 'optimizer_weights'
    const trains = reading(file, group, () => find(file, group)) !== undefined
    const weights = readWeights(file, spec)
    const names = trains ? momentNames(optimiser) : []
    const moments = names.map(() => new Float32Array(size))
    for (const slot of slots)
      names.forEach((moment, i) => {
        const from = `${prefix}/${slot.name.replace('/', '_')}_${moment}`
        moments[i]!.set(floats(file, from, slot), slot.offset)
      })
    if (!trains) return { weights, moments, step: 0, momentum: 1 }
    const scalar = (name: string) => Number(dataset(file, `${prefix}/${name}`).value)
    const momentum = optimiser === 'Nadam' ? scalar('u_product') : 1
    return { weights, moments, step: scalar('iteration'), momentum }
  } finally {
    close(file)
  }
}

/**
 * The network alone, from the file alone: also one that Keras has written again.
 *
 * @throws Error if it is no HDF5 file, describes another model than Uno or lacks a tensor
 */
export async function readNetwork(path: string): Promise<Network> {
  await ready()
  const file = open(path, 'r')
  try {
    const config = reading(file, 'model_config', () => file.attrs['model_config']?.value)
    if (typeof config !== 'string')
      throw new Error(`${path}: has no model_config, is no Keras file`)
    const json = reading(file, 'model_config', () => JSON.parse(config) as unknown)
    const { spec, widths } = unoOf(json)
    const features = reading(file, FEATURES, () => readFeatures(file))
    return { spec, widths, weights: readWeights(file, spec), features }
  } finally {
    close(file)
  }
}

function readFeatures(file: h5wasm.File): FeatureNames | undefined {
  if (find(file, FEATURES) === undefined) return undefined
  const names = (what: string) =>
    Array.from(dataset(file, `${FEATURES}/${what}`, 'a list of names').value as string[])
  return { cell: names('cell'), drug: names('drug') }
}

function readWeights(file: h5wasm.File, spec: ModelSpec): Float32Array {
  const { slots, size } = layout(spec)
  const weights = new Float32Array(size)
  for (const slot of slots)
    weights.set(floats(file, `model_weights/${slot.layer.name}/${slot.name}`, slot), slot.offset)
  return weights
}

function floats(file: h5wasm.File, name: string, { shape, length }: Slot): Float32Array {
  const wanted = `float32 [${shape.join(', ')}]`
  return reading(file, name, () => {
    const { value, shape: found } = dataset(file, name, wanted)
    if (value instanceof Float32Array && value.length === length) return value
    const is = `of another shape: [${found?.join(', ') ?? ''}]`
    throw new Error(`${file.filename}: ${name} is ${is}, want ${wanted}`)
  })
}

function dataset(file: h5wasm.File, name: string, wanted = 'a number'): h5wasm.Dataset {
  const found = find(file, name)
  if (found instanceof h5wasm.Dataset) return found
  throw new Error(`${file.filename}: ${name} is missing, want ${wanted}`)
}

/** Undefined where it is not there; a damaged one throws. */
function find(file: h5wasm.File, name: string): unknown {
  try {
    return file.get(name) ?? undefined
  } catch (error) {
    if (/doesn't exist|not found/.test(innermost(error))) return undefined
    throw error
  }
}

/** What goes wrong in `read` is told with the name of the file and of what was read. */
function reading<T>(file: h5wasm.File, name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const text = messageOf(error)
    if (text.startsWith(file.filename)) throw error
    const aborted = /^Aborted/.test(text)
    const why = aborted ? 'HDF5 gave up on it' : innermost(error)
    throw new Error(`${file.filename}: ${name} is damaged: ${why}`, { cause: error })
  }
}

/** Of HDF5's forty lines the last: what it met. */
function innermost(error: unknown): string {
  const text = messageOf(error)
  const found = [...text.matchAll(/ in \w+\(\): (.*)/g)].at(-1)?.[1]
  return found ?? text.split('\n', 1)[0]!
}
