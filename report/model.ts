import type { Group, Interval, ReportContent, RunFacts } from '../src/analysis/report/content.js'
import { root } from './format.js'

/** The page's data, unpacked. */
export interface Model extends ReportContent {
  readonly models: readonly GroupModel[]
  /** Per RUN, one value an epoch; NaN unknown. */
  curves(run: number): { valLoss: Float32Array; loss: Float32Array; seconds: Float32Array }
}

/** One drug in one cell: replicates averaged. */
export interface Pair {
  readonly entry: number
  readonly label: number
  readonly rows: number
  readonly aucTrue: number
  readonly aucPred: number
}

export interface GroupModel extends Group {
  /** Root mean square error of each entry. */
  readonly rmseOf: readonly Interval[]
  /** Held out, and without a result: none of its RUNs, which are indices, has one. */
  readonly absent: readonly { readonly name: string; readonly runs: readonly number[] }[]
  pairsOfEntry(entry: number): Pair[]
  pairsOfLabel(label: number): Pair[]
}

/** @throws Error where the browser cannot unpack */
export async function readModel(): Promise<Model> {
  const packed = JSON.parse(document.querySelector('#data')?.textContent ?? '{}') as Record<
    string,
    string
  >
  const names = Object.keys(packed)
  const blocks = new Map(
    await Promise.all(names.map(async name => [name, await unpacked(packed[name]!)] as const)),
  )
  const content = JSON.parse(new TextDecoder().decode(blocks.get('content'))) as ReportContent
  const bytes = blocks.get('curves')!
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const starts = offsets(content.runs.map(r => r.epochs))
  const total = starts.at(-1)!
  return {
    ...content,
    models: content.groups.map((group, g) => groupModel(group, blocks.get(`pairs-${g}`)!, content)),
    curves: run => {
      const column = (c: number) =>
        values.subarray(c * total + starts[run]!, c * total + starts[run + 1]!)
      return { valLoss: column(0), loss: column(1), seconds: column(2) }
    },
  }
}

async function unpacked(base64: string): Promise<Uint8Array> {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function groupModel(group: Group, bytes: Uint8Array, { runs }: ReportContent): GroupModel {
  const { entries, labels, pairs } = group
  const width = labels.length
  const present = new Int32Array(entries.length)
  for (let e = 0; e < entries.length; e++)
    for (let l = 0; l < width; l++) if (bytes[e * width + l]! > 0) present[e]!++
  const starts = offsets([...present])
  const value = (at: number, column: number) => {
    const plane = entries.length * width + 2 * column * pairs.count
    return pairs.low + pairs.step * (bytes[plane + at]! + 256 * bytes[plane + pairs.count + at]!)
  }
  const pair = (entry: number, label: number, at: number): Pair => {
    const rows = bytes[entry * width + label]!
    return { entry, label, rows, aucTrue: value(at, 0), aucPred: value(at, 1) }
  }
  return {
    ...group,
    rmseOf: entries.map(e => root(e.mse)),
    absent: absentOf(group, runs),
    pairsOfEntry: entry => {
      const found: Pair[] = []
      let at = starts[entry]!
      for (let l = 0; l < width; l++)
        if (bytes[entry * width + l]! > 0) found.push(pair(entry, l, at++))
      return found
    },
    pairsOfLabel: label => {
      const found: Pair[] = []
      for (let e = 0; e < entries.length; e++) {
        if (bytes[e * width + label] === 0) continue
        let at = starts[e]!
        for (let l = 0; l < label; l++) if (bytes[e * width + l]! > 0) at++
        found.push(pair(e, label, at))
      }
      return found
    },
  }
}

function absentOf({ by, entries }: Group, runs: readonly RunFacts[]): GroupModel['absent'] {
  const known = new Set(entries.map(e => e.name))
  const found = new Map<string, number[]>()
  for (const [r, run] of runs.entries()) {
    if (run.by !== by || run.holds === '' || known.has(run.holds)) continue
    found.set(run.holds, [...(found.get(run.holds) ?? []), r])
  }
  return Array.from(found, ([name, own]) => ({ name, runs: own }))
}

/** Where each begins; one more at the end for the total. */
function offsets(lengths: readonly number[]): number[] {
  const found = [0]
  for (const length of lengths) found.push(found.at(-1)! + length)
  return found
}

/** What a group's entries are called. */
export function nounOf(by: 'drug' | 'cell' | 'random'): string {
  return by === 'random' ? 'RUN' : by
}
