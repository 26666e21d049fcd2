import { initialState } from '../init.js'
import { lossOf } from '../losses.js'
import type { Backend, TrainerOptions } from '../trainer.js'
import {
  FULL_UNO,
  SYNTHETIC_KEY,
  syntheticSamples,
  syntheticSpec,
  syntheticTables,
  type SyntheticSize,
} from '../synthetic.js'

/** Small, uneven: no array is a whole number of vectors, and the last batch is short. */
const TINY: SyntheticSize = {
  cells: 4,
  drugs: 3,
  cellFeatures: 5,
  drugFeatures: 7,
  width: 6,
  dropout: 0.2,
}
const ROWS = 10
const BATCH = 4
const EPOCHS = 3
const RATE = 0.05
const LOSS = { type: 'mse' } as const

/** What the self-test trains: test/train/self-test.test.ts computes its losses apart from all backends. */
export const SELF_TEST = {
  options: (threads: number): TrainerOptions => ({
    spec: syntheticSpec(TINY),
    tables: syntheticTables(TINY),
    loss: LOSS,
    optimiser: 'Adam',
    batchSize: BATCH,
    threads,
    key: SYNTHETIC_KEY,
  }),
  samples: syntheticSamples(TINY, ROWS),
  epochs: EPOCHS,
  rate: RATE,
  /** Mean loss over the rows in each epoch, in float64. */
  losses: [0.07561874029, 0.06929907099, 0.06627085572],
  /** Loss of the predictions after them. */
  after: 0.0648987771,
} as const

/** How far losses may be off, relative; single precision comes to 1e-6 here. */
const TOLERANCE = 1e-3
/** The same where products are asked to be shorter, as the end of a backend's name says. */
const SHORTER: Readonly<Record<string, number>> = { tf32: 0.01, bf16: 0.05 }

/** Does it compute in single precision throughout? */
export function isFullPrecision(name: string): boolean {
  return !Object.hasOwn(SHORTER, name.split(':').at(-1)!)
}

/**
 * Train a tiny model for a few steps and predict with it.
 * @returns undefined if losses are those that float64 gives, else one line: what was found and wanted
 */
export async function selfTest(backend: Backend, threads: number): Promise<string | undefined> {
  const { samples, epochs, rate, losses, after } = SELF_TEST
  const options = SELF_TEST.options(threads)
  const tolerance = SHORTER[backend.name.split(':').at(-1)!] ?? TOLERANCE
  const start = initialState(options.spec, options.optimiser, options.key)
  const trainer = await backend.create(options, start)
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const { loss } = await trainer.trainEpoch({ epoch, ...samples, learningRate: rate })
      const wrong = differs(loss, losses[epoch]!, tolerance)
      if (wrong !== undefined) return `loss in epoch ${epoch + 1} is ${wrong}`
    }
    const predicted = await trainer.predict(samples.rows)
    const wrong = differs(lossOf(LOSS, samples.y, predicted), after, tolerance)
    return wrong === undefined ? undefined : `loss of its predictions is ${wrong}`
  } finally {
    await trainer.close()
  }
}

function differs(got: number, wanted: number, tolerance: number): string | undefined {
  return Math.abs(got - wanted) <= tolerance * wanted ? undefined : `${got}, want ${wanted}`
}

/** Of a full batch: what large nodes train with. */
const FULL_BATCH = 512
/** A measurement lasts so long at least, in seconds: shorter ones are noise. */
const LONG_ENOUGH = 0.7
/** That of a part of a batch, whose rate is lower, stands only where a whole one would take minutes. */
const TOO_LONG = 5
/** Rows to begin with: few, as a slow backend may take seconds for them. */
const FEW = 4

/**
 * Train full Uno at batch 512 for a second or so.
 * @returns samples/s
 */
export async function measureSpeed(backend: Backend, threads: number): Promise<number> {
  const spec = syntheticSpec(FULL_UNO)
  const tables = syntheticTables(FULL_UNO)
  const common = {
    loss: LOSS,
    optimiser: 'Adam',
    batchSize: FULL_BATCH,
    key: SYNTHETIC_KEY,
  } as const
  const trainer = await backend.create(
    { spec, tables, threads, ...common },
    initialState(spec, 'Adam', SYNTHETIC_KEY),
  )
  const train = async (n: number) => {
    const samples = syntheticSamples(FULL_UNO, n)
    return (await trainer.trainEpoch({ epoch: 0, ...samples, learningRate: 1e-4 })).seconds
  }
  try {
    let rate = FEW / (await train(FEW))
    for (let rows = FEW; ;) {
      let seconds = await train(rows)
      // slower than fewer rows: this time held what is done once, such as compiling
      if (rows / seconds < rate) seconds = Math.min(seconds, await train(rows))
      if (seconds >= (rows < FULL_BATCH ? TOO_LONG : LONG_ENOUGH)) return rows / seconds
      rate = rows / seconds
      rows = more(rows, seconds)
    }
  } finally {
    await trainer.close()
  }
}

/** Up to a whole batch, in steps that a slow backend survives; then whole ones that should last long enough. */
function more(rows: number, seconds: number): number {
  if (rows < FULL_BATCH) return Math.min(FULL_BATCH, 8 * rows)
  const wanted = Math.min(8, (1.2 * LONG_ENOUGH) / seconds) * rows
  return Math.ceil(wanted / FULL_BATCH) * FULL_BATCH
}
