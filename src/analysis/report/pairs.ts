import type { Predictions } from '../predictions.js'

/**
 * What one RUN said of each label (cell or drug) that its test rows have: replicates are kept as sums, so that
 * two million rows need no more room than their pairs. Labels by code of the group, ascending.
 */
export interface RunPairs {
  readonly codes: Int32Array
  readonly rows: Float64Array
  readonly sumTrue: Float64Array
  readonly sumPred: Float64Array
  /** Σ (predicted − true)². */
  readonly sumSquares: Float64Array
  /** Σ (true − mean true of the pair)²: what replicates differ among themselves. */
  readonly sumNoise: Float64Array
}

/** Codes of labels, growing as they come. */
export class LabelCodes {
  readonly names: string[] = []
  readonly #codes = new Map<string, number>()

  of(name: string): number {
    let code = this.#codes.get(name)
    if (code === undefined) {
      code = this.names.push(name) - 1
      this.#codes.set(name, code)
    }
    return code
  }
}

/** @param labels column of the predictions that tells its rows apart */
export function pairsOf(
  { aucTrue, aucPred, ...columns }: Predictions,
  labels: 'cells' | 'drugs',
  known: LabelCodes,
): RunPairs {
  const { values, codes } = columns[labels]!
  const wide = values.map(name => known.of(name))
  const order = wide.map((_, i) => i).sort((a, b) => wide[a]! - wide[b]!)
  const slot = new Int32Array(values.length)
  order.forEach((value, at) => (slot[value] = at))
  const sums = () => new Float64Array(values.length)
  const pairs = {
    codes: Int32Array.from(order, value => wide[value]!),
    ...{ rows: sums(), sumTrue: sums(), sumPred: sums(), sumSquares: sums(), sumNoise: sums() },
  }
  const { rows, sumTrue, sumPred, sumSquares, sumNoise } = pairs
  for (let i = 0; i < aucTrue.length; i++) {
    const at = slot[codes[i]!]!
    rows[at]! += 1
    sumTrue[at]! += aucTrue[i]!
    sumPred[at]! += aucPred[i]!
    sumSquares[at]! += (aucPred[i]! - aucTrue[i]!) ** 2
  }
  for (let i = 0; i < aucTrue.length; i++) {
    const at = slot[codes[i]!]!
    sumNoise[at]! += (aucTrue[i]! - sumTrue[at]! / rows[at]!) ** 2
  }
  return pairs
}

/** The pairs of several RUNs with the same drug: their rows are replicates. */
export function joined(many: readonly RunPairs[]): RunPairs {
  if (many.length === 1) return many[0]!
  const all = new Set(many.flatMap(pairs => [...pairs.codes]))
  const codes = Int32Array.from(all).sort()
  const slot = new Map(Array.from(codes, (code, at) => [code, at]))
  const add = (key: Exclude<keyof RunPairs, 'codes'>) => {
    const sums = new Float64Array(codes.length)
    for (const pairs of many)
      pairs.codes.forEach((code, i) => (sums[slot.get(code)!]! += pairs[key][i]!))
    return sums
  }
  return {
    codes,
    ...{ rows: add('rows'), sumTrue: add('sumTrue'), sumPred: add('sumPred') },
    ...{ sumSquares: add('sumSquares'), sumNoise: add('sumNoise') },
  }
}
