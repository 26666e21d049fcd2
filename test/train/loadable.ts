import { backend, backendNames } from '../../src/train/backends/registry.js'
import type { Backend } from '../../src/train/trainer.js'
import { pythonWith } from './python.js'

const found = pythonWith('torch')
if ('python' in found) process.env['UPF_HEDS_PYTHON'] ??= found.python

/** Why `torch` is left out. */
export const withoutTorch = 'skip' in found ? found.skip : undefined

/** Less exact by intent. */
const SHORT = /:(tf32|bf16)$/

/** Every backend, with one line why it does not load here if so. */
export const looked: readonly { readonly backend: Backend; readonly unavailable?: string }[] =
  await Promise.all(
    backendNames.map(async name => {
      const found = await backend(name)
      const unavailable = await found.unavailable()
      return { backend: found, ...(unavailable !== undefined && { unavailable }) }
    }),
  )

/** On a CPU, which is all there may be, it takes seconds a test: it is held to the contract alone. */
const SLOW = 'tfjs:webgpu'

/** Every backend that loads here: at least `ort`. What must hold for one must hold for all. */
export const loadable: readonly Backend[] = looked
  .filter(
    ({ backend, unavailable }) =>
      unavailable === undefined && backend.name !== SLOW && !SHORT.test(backend.name),
  )
  .map(({ backend }) => backend)
