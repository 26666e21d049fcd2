import type { RunId } from '../../base/ids.js'
import { mean, quantile } from '../../base/statistics.js'
import { meanIntervals, ratioIntervals, type Ratio } from './bootstrap.js'
import type { Entry, Group, LabelEntry, RunScores } from './content.js'
import { packPairs } from './pack.js'
import { joined, type LabelCodes, type RunPairs } from './pairs.js'
import { recallOf, type CellResponses } from './recall.js'

/** A finished RUN as it was read. */
export interface ReadRun {
  readonly run: RunId
  /** Index into the plan. */
  readonly index: number
  /** The drug or cell that it holds out, else its id. */
  readonly name: string
  readonly pairs: RunPairs
  /** As test_scores.json has it. */
  readonly scores: Readonly<Record<string, unknown>>
  readonly valMse: number | null
}

/** With fewer drugs no quartile means much. */
const LEAST_FOR_TAIL = 8

/** Everything that is told of the RUNs of one kind. */
export function groupOf(
  by: Group['by'],
  runs: readonly ReadRun[],
  { names }: LabelCodes,
): { readonly group: Group; readonly bytes: Uint8Array } {
  const held = heldOf(runs)
  const all = held.map(h => h.pairs)
  const ofEntries = (sums: (pairs: RunPairs) => Float64Array) =>
    ratioIntervals(
      all.map((p): Ratio => ({ items: p.codes, sums: sums(p), rows: p.rows })),
      names.length,
      `${by} labels`,
    )
  const mse = ofEntries(p => p.sumSquares)
  const bias = ofEntries(differences)
  const entries = held.map(({ name, runs: own, pairs }, e): Entry => {
    const scores = own.map(scoresOf)
    const over = (key: 'r2' | 'pcc' | 'scc' | 'valMse') => meanOf(scores.map(s => s[key]))
    return {
      ...{ runs: own.map(r => r.index), name, rows: total(pairs.rows) },
      ...{ mse: mse[e]!, bias: bias[e]!, noise: by === 'random' ? null : noiseOf(own) },
      ...{ r2: over('r2'), pcc: over('pcc'), scc: over('scc'), valMse: over('valMse') },
      each:
        own.length === 1 ? [] : scores.map(({ mse, bias, r2, scc }) => ({ mse, bias, r2, scc })),
    }
  })
  const rmse = entries.map(e => Math.sqrt(e.mse.mean))
  const { scale, bytes } = packPairs(all, names.length)
  const group: Group = {
    ...{ by, labelled: by === 'cell' ? 'drug' : 'cell', entries, pairs: scale },
    labels: labelsOf(by === 'random' ? all : all.map(averaged), all, names, by),
    rmse: meanIntervals([rmse], `${by} rmse`)[0]!,
    fence: fenceOf(rmse),
    recall: by === 'random' ? null : recallOf(cellsOf(by, held, names)),
  }
  return { group, bytes }
}

/** A held-out drug or cell. */
interface Held {
  readonly name: string
  readonly runs: readonly ReadRun[]
  /** Of all its RUNs together. */
  readonly pairs: RunPairs
}

/** In order of first appearance. Of random rows a RUN has a name of its own. */
function heldOf(runs: readonly ReadRun[]): Held[] {
  const same = new Map<string, ReadRun[]>()
  for (const run of runs) {
    const known = same.get(run.name)
    if (known) known.push(run)
    else same.set(run.name, [run])
  }
  return Array.from(same, ([name, own]) => ({
    name,
    runs: own,
    pairs: joined(own.map(r => r.pairs)),
  }))
}

function scoresOf({ pairs, scores, valMse }: ReadRun): RunScores & {
  readonly pcc: number | null
  readonly valMse: number | null
} {
  const rows = total(pairs.rows)
  return {
    ...{ mse: total(pairs.sumSquares) / rows, bias: total(differences(pairs)) / rows, valMse },
    ...{ r2: score(scores['r2']), pcc: score(scores['pcc']), scc: score(scores['scc']) },
  }
}

/** Of those that are there. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter(v => v !== null)
  return known.length === 0 ? null : mean(known)
}

/** Tukey's: beyond it lies what stands apart from the rest. */
function fenceOf(values: readonly number[]): number | null {
  if (values.length < LEAST_FOR_TAIL) return null
  const sorted = [...values].sort((a, b) => a - b)
  const [q1, q3] = [quantile(sorted, 0.25), quantile(sorted, 0.75)]
  return q3 + 1.5 * (q3 - q1)
}

/** Around the mean of each pair of a RUN; a pair of n rows has n − 1 degrees of freedom. */
function noiseOf(runs: readonly ReadRun[]): number | null {
  let [sum, freedom] = [0, 0]
  for (const { pairs } of runs) {
    sum += total(pairs.sumNoise)
    freedom += total(pairs.rows) - pairs.codes.length
  }
  return freedom > 0 ? Math.sqrt(sum / freedom) : null
}

/** Each pair as one row: the mean over its replicates. */
function averaged(pairs: RunPairs): RunPairs {
  const { rows, sumTrue, sumPred } = pairs
  const means = (sums: Float64Array) => sums.map((sum, i) => sum / rows[i]!)
  const own = { sumTrue: means(sumTrue), sumPred: means(sumPred) }
  const sumSquares = own.sumPred.map((value, i) => (value - own.sumTrue[i]!) ** 2)
  return { ...pairs, ...own, rows: new Float64Array(rows.length).fill(1), sumSquares }
}

/** The other way round: of each label what all entries said of it. @param told the same with all their rows */
function labelsOf(
  all: readonly RunPairs[],
  told: readonly RunPairs[],
  names: readonly string[],
  by: Group['by'],
): LabelEntry[] {
  const counts = new Int32Array(names.length)
  for (const { codes } of all) for (const code of codes) counts[code]!++
  const sums = (n: number) => new Float64Array(n)
  const columns = Array.from(counts, n => ({
    ...{ items: new Int32Array(n), rows: sums(n), squares: sums(n), differences: sums(n) },
  }))
  counts.fill(0)
  const rows = sums(names.length)
  for (const pairs of told) pairs.codes.forEach((code, i) => (rows[code]! += pairs.rows[i]!))
  for (const [r, pairs] of all.entries()) {
    const ofPairs = differences(pairs)
    for (let i = 0; i < pairs.codes.length; i++) {
      const column = columns[pairs.codes[i]!]!
      const at = counts[pairs.codes[i]!]!++
      column.items[at] = r
      column.rows[at] = pairs.rows[i]!
      column.squares[at] = pairs.sumSquares[i]!
      column.differences[at] = ofPairs[i]!
    }
  }
  const intervals = (of: 'squares' | 'differences') =>
    ratioIntervals(
      columns.map(c => ({ items: c.items, sums: c[of], rows: c.rows })),
      all.length,
      `${by} runs`,
    )
  const [mse, bias] = [intervals('squares'), intervals('differences')]
  return names.map((name, l): LabelEntry => {
    const entries = columns[l]!.items.length
    return { name, rows: rows[l]!, entries, mse: mse[l]!, bias: bias[l]! }
  })
}

/** Σ (predicted − true) of each pair. */
function differences({ sumTrue, sumPred }: RunPairs): Float64Array {
  return sumPred.map((sum, i) => sum - sumTrue[i]!)
}

/** Drugs as each cell sees them, replicates and RUNs of the same drug averaged. */
function cellsOf(
  by: 'drug' | 'cell',
  held: readonly Held[],
  labels: readonly string[],
): CellResponses[] {
  const cells = new Map<string, { readonly aucTrue: number[]; readonly aucPred: number[] }>()
  for (const { name, pairs } of held) {
    const { codes, rows, sumTrue, sumPred } = pairs
    for (let i = 0; i < codes.length; i++) {
      const cell = by === 'drug' ? labels[codes[i]!]! : name
      let drugs = cells.get(cell)
      if (!drugs) cells.set(cell, (drugs = { aucTrue: [], aucPred: [] }))
      drugs.aucTrue.push(sumTrue[i]! / rows[i]!)
      drugs.aucPred.push(sumPred[i]! / rows[i]!)
    }
  }
  return Array.from(cells, ([name, drugs]) => ({ name, ...drugs }))
}

function score(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function total(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum
}
