import type { Backend, Rows, Trainer } from '../trainer.js'

/** Pairs that could be, beyond which none are looked for: their list would take more memory than it saves time. */
const MOST_PAIRS = 2 ** 24

/**
 * The same backend, whose predictions of rows of the same cell and drug are made once: responses that were measured
 * again and again are two thirds of the rows of some studies.
 */
export function predictingOnce(backend: Backend): Backend {
  return {
    ...backend,
    create: async (...args) => {
      const trainer = await backend.create(...args)
      return { ...trainer, predict: rows => predictPairs(trainer, rows) }
    },
  }
}

async function predictPairs(trainer: Pick<Trainer, 'predict'>, rows: Rows): Promise<Float32Array> {
  const found = distinctPairs(rows)
  if (!found) return trainer.predict(rows)
  const predicted = await trainer.predict(found.pairs)
  return Float32Array.from(found.of, pair => predicted[pair]!)
}

/**
 * Pairs of cell and drug, each once, in the order they first appear in, and the pair of each row.
 * @returns undefined where no pair is there twice, or too many could be
 */
export function distinctPairs({ cell, drug }: Rows): { pairs: Rows; of: Int32Array } | undefined {
  const drugs = drug.reduce((most, code) => Math.max(most, code), -1) + 1
  const cells = cell.reduce((most, code) => Math.max(most, code), -1) + 1
  if (cells * drugs > MOST_PAIRS) return undefined
  const pairOf = new Int32Array(cells * drugs).fill(-1)
  const of = new Int32Array(cell.length)
  const first: number[] = []
  for (let row = 0; row < cell.length; row++) {
    const place = cell[row]! * drugs + drug[row]!
    if (pairOf[place] === -1) pairOf[place] = first.push(row) - 1
    of[row] = pairOf[place]!
  }
  if (first.length === cell.length) return undefined
  const pick = (codes: Int32Array) => Int32Array.from(first, row => codes[row]!)
  return { pairs: { cell: pick(cell), drug: pick(drug) }, of }
}
