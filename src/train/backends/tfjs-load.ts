import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as tfjs from '@tensorflow/tfjs-core'
import { messageOf } from '../../base/errors.js'

/** The one place that knows where TensorFlow.js comes from; its operations are the same everywhere. */
export type Tf = typeof tfjs
export type Tensor = tfjs.Tensor
export type Tensor1D = tfjs.Tensor1D
export type Tensor2D = tfjs.Tensor2D
export type Variable = tfjs.Variable

/** The packages of each kind, the one with the operations first. Only those of `cpu` come with us, for tests. */
const PACKAGES = {
  'node-gpu': ['@tensorflow/tfjs-node-gpu'],
  node: ['@tensorflow/tfjs-node'],
  webgpu: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu', 'webgpu'],
  cpu: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'],
} as const
export type TfjsKind = keyof typeof PACKAGES

/**
 * The files of a kind's packages, by name: from the folder in UPF_HEDS_TFJS if it is set, else from where we are
 * installed.
 *
 * @throws Error with one line: what is not installed
 */
export function findPackages(kind: TfjsKind): readonly string[] {
  const folder = siteFolder()
  return PACKAGES[kind].map(name => {
    try {
      return requireOf(folder).resolve(name)
    } catch (error) {
      const where = folder ? ` in ${folder} (UPF_HEDS_TFJS)` : ''
      throw new Error(`${name} is not installed${where}`, { cause: error })
    }
  })
}

/** Package, version and file: `@tensorflow/tfjs-node-gpu 4.22.0 (/site/node_modules/…/index.js)`. */
export function describePackage(kind: TfjsKind): string {
  const name = PACKAGES[kind].at(-1)!
  const { version } = requireOf(siteFolder())(`${name}/package.json`) as { version: string }
  return `${name} ${version} (${findPackages(kind).at(-1)!})`
}

function siteFolder(): string {
  return process.env['UPF_HEDS_TFJS'] ?? ''
}

function requireOf(folder: string): NodeJS.Require {
  return createRequire(folder ? join(resolve(folder), 'x.js') : import.meta.url)
}

/**
 * TensorFlow.js with its backend of that kind, ready for operations, in the thread that asks.
 * @throws Error if it is not installed or does not load, or finds no GPU where it should
 */
export async function openTf(kind: TfjsKind): Promise<Tf> {
  const [first, ...rest] = findPackages(kind).map(file => pathToFileURL(file).href)
  if (kind === 'node' || kind === 'node-gpu') {
    restoreUtil()
    keepLibraries()
  }
  if (kind === 'webgpu') await provideWebGpu(rest.pop()!)
  const tf = namespaceOf(await import(first!))
  tf.enableProdMode() // it would advise to take another backend
  for (const url of rest) await import(url)
  if (kind === 'webgpu' || kind === 'cpu') {
    if (!(await tf.setBackend(kind))) throw new Error(`TensorFlow.js cannot use "${kind}"`)
  }
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean }
  if (kind === 'node-gpu' && isUsingGpuDevice !== true)
    throw new Error('TensorFlow finds no CUDA GPU, or not the CUDA libraries that it was built for')
  return tf
}

/** The whole way to a result, once. @returns undefined, or one line: why it cannot be used here */
export async function tryTf(kind: TfjsKind): Promise<string | undefined> {
  try {
    const tf = await openTf(kind)
    const [sum] = await tf.matMul(tf.ones([1, 64]), tf.ones([64, 1])).data()
    return sum === 64 ? undefined : `a sum of 64 is ${sum}`
  } catch (error) {
    return messageOf(error).replace(/\s*\n.*/s, '')
  }
}

/** A CommonJS module that is imported has all its exports as `default`. */
function namespaceOf(module: unknown): Tf {
  const { default: whole } = module as { default?: Tf }
  return whole ?? (module as Tf)
}

/** tfjs-node 4.22 calls functions that Node 23 has no more (tensorflow/tfjs#8609). */
function restoreUtil(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] ??= (value: unknown) => value === undefined || value === null
  util['isArray'] ??= Array.isArray
}

/**
 * Node closes the addons of a thread that ends, and the dynamic loader would take TensorFlow out of the process
 * while threads of its own still run in it. RTLD_NODELETE, which Node does not name, prevents that.
 */
function keepLibraries(): void {
  if (process.platform !== 'linux') return
  const dlopen = process.dlopen.bind(process)
  process.dlopen = (module, file, flags = constants.dlopen.RTLD_LAZY) =>
    dlopen(module, file, flags | 0x1000)
}

/** Dawn in the place where a browser has WebGPU, which tfjs-backend-webgpu looks at when it is imported. */
async function provideWebGpu(url: string): Promise<void> {
  const dawn = (await import(url)) as Dawn
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  if (!(await gpu.requestAdapter()))
    throw new Error('WebGPU finds no adapter: no Vulkan, or no driver for it')
}

interface Dawn {
  readonly globals: object
  create(options: readonly string[]): { requestAdapter(): Promise<object | null> }
}
