// What a step of training does besides arithmetic, alone: masks and gather for a batch, shuffle for its part of an epoch.
import { shuffle, STREAM } from '../../../dist/src/base/random.js'
import { keepUnits } from '../../../dist/src/train/backends/blas-layers.js'
import { planMemory, setTables } from '../../../dist/src/train/backends/blas-memory.js'
import { newDesk } from '../../../dist/src/train/backends/blas-team.js'
import { loadKernel } from '../../../dist/src/train/backends/kernel.js'
import { TEAM_WORDS } from '../../../dist/src/train/backends/team.js'
import { layers } from '../../../dist/src/train/spec.js'
import {
  SYNTHETIC_KEY as key,
  syntheticSamples,
  syntheticSpec,
  syntheticTables,
} from '../../../dist/src/train/synthetic.js'
import { median } from './measure.mjs'

/** Rows of an epoch, as of GDSC: what is done once in an epoch is shared by its steps. */
const EPOCH_ROWS = 65_536
const TIMES = 15

/**
 * Median ms of each part in a step. Masks and gather of `blas` are shared by its threads, and nothing waits
 * between them: one thread's part is what a step has of them. `ort` makes its masks on one thread; its gather is
 * a node of its graph and not counted.
 */
export function dataPath(name, size, batch, threads) {
  const steps = EPOCH_ROWS / batch
  const parts = name.startsWith('blas:')
    ? ofBlas(name.slice('blas:'.length), size, batch, threads)
    : ofOrt(size, batch)
  return { ...parts, shuffle_ms: time(shuffled(size)) / steps }
}

function ofBlas(library, size, batch, threads) {
  const tables = syntheticTables(size)
  // as the first of all threads, which does its part alone
  const plan = planMemory({ spec: syntheticSpec(size), tables, batchSize: batch, threads }, 2)
  const { pages } = plan
  const memory = new globalThis.WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  setTables(plan, memory, tables)
  const words = new Int32Array(new SharedArrayBuffer(4 * TEAM_WORDS))
  const desk = newDesk({ library, plan, memory, words, threads }, 0)
  const { rows } = syntheticSamples(size, batch)
  const mine = Math.ceil(batch / threads)
  const gather = () => {
    for (const tower of ['cell', 'drug']) {
      const { gathered, ld, table, width, codes } = plan[tower]
      new Int32Array(memory.buffer, codes, batch).set(rows[tower])
      desk.kernel.gatherRows(gathered, ld, table, width, codes, 0, mine)
    }
  }
  let step = 0
  return {
    masks_ms: time(() => keepUnits(desk, key, 0, step++, batch)),
    gather_ms: time(gather),
  }
}

function ofOrt(size, batch) {
  const dropping = layers(syntheticSpec(size)).filter(({ dropout }) => dropout > 0)
  const { kernel, arrays } = loadKernel(
    dropping.map(({ units }) => Math.ceil((batch * units) / 32) * 32),
  )
  const masks = step =>
    dropping.forEach(({ dropout }, i) => {
      const [bits, scale] = [Math.round(dropout * 65536), 1 / (1 - dropout)]
      const { byteOffset, length } = arrays[i]
      kernel.dropoutMask(byteOffset, length, ...key, STREAM.dropout, 0, step, i << 24, bits, scale)
    })
  let step = 0
  return { masks_ms: time(() => masks(step++)) }
}

/** The order of an epoch, and rows and responses in it: as the training loop does. */
function shuffled(size) {
  const { rows, y } = syntheticSamples(size, EPOCH_ROWS)
  let epoch = 0
  return () => {
    const order = Int32Array.from({ length: EPOCH_ROWS }, (_, i) => i)
    shuffle(key, STREAM.shuffle, epoch++, order)
    order.map(i => rows.cell[i])
    order.map(i => rows.drug[i])
    Float32Array.from(order, i => y[i])
  }
}

function time(work) {
  const times = []
  for (let i = 0; i < TIMES; i++) {
    const begun = performance.now()
    work()
    times.push(performance.now() - begun)
  }
  return median(times)
}
