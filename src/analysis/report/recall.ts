import { spearman } from '../../base/statistics.js'
import { recallsOfTop } from '../recall.js'
import { meanIntervals } from './bootstrap.js'
import type { CellRecall, Recall } from './content.js'

/** A cell: one element a drug, replicates averaged. */
export interface CellResponses {
  readonly name: string
  readonly aucTrue: readonly number[]
  readonly aucPred: readonly number[]
}

/** Sizes that the page offers. */
const SIZES = [1, 5, 10, 20, 50]
/** The curve ends here. */
const LAST = 50

/**
 * Does the model find the drugs that a cell responds to most? A cell with no more drugs than k tells nothing at k.
 * @returns null where no cell has two drugs
 */
export function recallOf(all: readonly CellResponses[]): Recall | null {
  const cells = all.filter(({ aucTrue }) => aucTrue.length > 1)
  const largest = cells.reduce((most, { aucTrue }) => Math.max(most, aucTrue.length), 0)
  if (largest === 0) return null
  const ks = Array.from({ length: Math.min(LAST, largest - 1) }, (_, i) => i + 1)
  const recalls = cells.map(({ aucTrue, aucPred }) => recallsOfTop(aucTrue, aucPred, ks))
  const means = meanIntervals(
    ks.map((_, i) => recalls.map(recall => recall[i]!)),
    'recall',
  )
  const curve = ks.map((k, i) => {
    const sizes = cells.map(({ aucTrue }) => aucTrue.length).filter(n => n > k)
    const chance = sizes.reduce((sum, n) => sum + k / n, 0) / sizes.length
    return { k, cells: sizes.length, chance, ...means[i]! }
  })
  const sizes = SIZES.filter(k => k <= ks.length)
  return {
    sizes,
    curve,
    cells: cells.map(({ name, aucTrue, aucPred }, c): CellRecall => ({
      ...{ name, drugs: aucTrue.length, scc: spearman(aucTrue, aucPred) },
      recall: sizes.map(k => recalls[c]![k - 1]!),
    })),
  }
}
