import type { Categories } from '../../src/table/column.js'
import type { Params } from '../../src/experiment/workflow.js'
import type { HedData } from './data.js'

/** How the responses are divided, as upstream names it. */
export const PARTITIONS = ['by_drug', 'by_cell', 'random'] as const
export type PartitionName = (typeof PARTITIONS)[number]

/** What a RUN tests on: all rows of one drug or cell, or rows drawn at random. */
export type HeldOut =
  | { readonly by: 'drug' | 'cell'; readonly index: number; readonly name: string }
  | { readonly by: 'random' }

/**
 * What a line holds out: by `index`, by name under the key `drug` or `cell`, or both.
 * @returns what is wrong, one text, or what it resolves to: part of the RUN's digest
 */
export function resolveHeldOut(
  { drugs, cells }: Pick<HedData, 'drugs' | 'cells'>,
  partition: PartitionName,
  control: Params,
): Params | string {
  const odd = ['index', 'drug', 'cell'].find(
    key => (control[key] ?? null) !== null && !KEYS[partition].includes(key),
  )
  if (odd !== undefined)
    return `"${odd}" is ${JSON.stringify(control[odd])}, but "partition" is "${partition}": ${ADVICE[partition]}`
  if (partition === 'random') return {}
  return partition === 'by_drug'
    ? resolveName(drugs, 'drug', control)
    : resolveName(cells, 'cell', control)
}

const KEYS: Readonly<Record<PartitionName, readonly string[]>> = {
  by_drug: ['index', 'drug'],
  by_cell: ['index', 'cell'],
  random: [],
}

const ADVICE: Readonly<Record<PartitionName, string>> = {
  by_drug: 'give "index" or "drug"',
  by_cell: 'give "index" or "cell"',
  random: 'its "seed" alone decides',
}

function resolveName(
  { values }: Categories,
  what: 'drug' | 'cell',
  control: Params,
): Params | string {
  const index = control['index'] ?? null
  const wanted = control[what] ?? null
  if (index === null && wanted === null) return `has neither "index" nor "${what}"`
  const last = values.length - 1
  const at = typeof index === 'number' && values[index] !== undefined ? index : undefined
  if (index !== null && at === undefined)
    return `"index" is ${JSON.stringify(index)}, the data has ${what}s 0 to ${last}`
  const named = wanted === null ? undefined : values.findIndex(name => name === wanted)
  if (named === -1)
    return `"${what}" is ${JSON.stringify(wanted)}, no ${what} of the data${what === 'drug' ? '; see list-drugs' : ''}`
  if (at !== undefined && named !== undefined && named !== at)
    return `"index" ${at} is ${values[at]!}, but "${what}" is ${JSON.stringify(wanted)} (index ${named})`
  const found = named ?? at!
  return { index: found, [what]: values[found]! }
}

/** Back from what a line resolved to. @throws Error if the plan is none of ours */
export function heldOutOf(partition: PartitionName, resolved: Params): HeldOut {
  if (partition === 'random') return { by: 'random' }
  const by = partition === 'by_drug' ? 'drug' : 'cell'
  const name = resolved[by]
  if (typeof name !== 'string') throw new Error(`the plan names no ${by}`)
  return { by, index: Number(resolved['index']), name }
}

/** For logs, and with the seed the key of all that is random in the RUN. */
export function nameOf(heldOut: HeldOut): string {
  return heldOut.by === 'random' ? 'random' : heldOut.name
}

/** What scores say of the rows that they are of, besides their number. */
export function describe(heldOut: HeldOut, data: HedData, rows: Int32Array): Params {
  const distinct = ({ codes }: Categories) => new Set(rows.map(row => codes[row]!)).size
  switch (heldOut.by) {
    case 'drug':
      return { drug: heldOut.name, index: heldOut.index, cells: distinct(data.cells) }
    case 'cell':
      return { cell: heldOut.name, index: heldOut.index, drugs: distinct(data.drugs) }
    case 'random':
      return { cells: distinct(data.cells), drugs: distinct(data.drugs) }
  }
}

/** The column `labels` of predictions: cells, or where one cell is held out the drugs. */
export function labelsOf(heldOut: HeldOut, data: HedData, rows: Int32Array): string[] {
  const { values, codes } = heldOut.by === 'cell' ? data.drugs : data.cells
  return Array.from(rows, row => values[codes[row]!]!)
}
