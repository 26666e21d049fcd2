import { backend, backendNames } from '../../src/train/backends/registry.js'
import type { Backend } from '../../src/train/trainer.js'

/** Every backend that loads here: at least `ort`. What must hold for one must hold for all. */
export const loadable: readonly Backend[] = await Promise.all(
  backendNames.map(async name => {
    const found = await backend(name)
    return (await found.unavailable()) === undefined ? [found] : []
  }),
).then(found => found.flat())
