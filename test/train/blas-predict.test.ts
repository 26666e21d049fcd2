import t from 'tap'
import { messageOf } from '../../src/base/errors.js'
import { LIBRARIES, openLibrary, type LibraryName } from '../../src/train/backends/blas-library.js'
import { newBlasTrainer } from '../../src/train/backends/blas-train.js'
import { initialState } from '../../src/train/init.js'
import {
  SYNTHETIC_KEY as key,
  syntheticSamples,
  syntheticSpec,
  syntheticTables,
} from '../../src/train/synthetic.js'

const SIZE = { cells: 30, drugs: 20, cellFeatures: 50, drugFeatures: 70, width: 100, dropout: 0.1 }
const spec = syntheticSpec(SIZE)
/** More than are predicted in one task, and not a multiple of a piece. */
const { rows } = syntheticSamples(SIZE, 20_001)

async function predictions(library: LibraryName, threads: number): Promise<Float32Array> {
  const loss = { type: 'mse' } as const
  const options = { spec, tables: syntheticTables(SIZE), loss, optimiser: 'Adam' as const }
  const start = initialState(spec, 'Adam', key)
  const trainer = await newBlasTrainer({ ...options, batchSize: 32, threads, key }, start, library)
  return trainer.predict(rows)
}

for (const library of LIBRARIES) {
  let missing: string | undefined
  try {
    openLibrary(library)
  } catch (error) {
    missing = messageOf(error)
  }
  const options = { skip: missing ?? false }
  t.test(`${library}: predictions are the same bits with 1, 2 and 3 threads`, options, async t => {
    const alone = await predictions(library, 1)
    t.ok(new Set(alone).size > 500, 'they differ from row to row')
    t.strictSame(await predictions(library, 2), alone)
    t.strictSame(await predictions(library, 3), alone)
  })
}
