import { HedError } from '../base/errors.js'
import { isObject } from '../base/shape.js'

export interface Match {
  /** Lines of TRUE that are also in PRED. */
  readonly hits: readonly string[]
  /** Lines of TRUE, each counted once. */
  readonly total: number
  /** hits / total */
  readonly share: number
  /** Where nothing is hit: how either list begins, as they may be lists of other things. */
  readonly note: string | null
}

/** A list and what it is called in messages. */
export interface NamedList {
  readonly name: string
  readonly text: string
}

/** A line of a list. */
interface Line {
  readonly text: string
  /** What makes lines the same. */
  readonly key: string
  /** Of a line that `top-drugs` prints. */
  readonly cell: string | null
}

/**
 * Compare two lists as `top-drugs` prints them, with `--json` or without, or any lists of names: how much of TRUE is in PRED?
 * Lines of top-drugs are the same where drug and cell are; others where their words are, whatever stands between them; numbers
 * with a decimal point are values, which may differ.
 *
 * @throws HedError USAGE if one has no line, or they are of other cells
 */
export function matchLists(truth: NamedList, predicted: NamedList): Match {
  const [wanted, found] = [linesOf(truth), linesOf(predicted)]
  refuseOtherCells(truth.name, wanted, predicted.name, found)
  const hits = [...wanted].filter(([key]) => found.has(key)).map(([, { text }]) => text)
  const [first, other] = [wanted, found].map(lines => JSON.stringify([...lines.values()][0]!.text))
  return {
    ...{ hits, total: wanted.size, share: hits.length / wanted.size },
    note:
      hits.length > 0
        ? null
        : `no line is in both: ${truth.name} begins with ${first}, ${predicted.name} with ${other}`,
  }
}

/** Key → first line that has it. */
function linesOf({ name, text }: NamedList): ReadonlyMap<string, Line> {
  const out = new Map<string, Line>()
  for (const line of parseJson(name, text) ?? parseText(text))
    if (!out.has(line.key)) out.set(line.key, line)
  if (out.size === 0)
    throw new HedError('USAGE', `${name}: has no line, want a list such as top-drugs prints`, {
      hint: 'Write it with upf-heds top-drugs EXP true|pred CELL COUNT.',
    })
  return out
}

/** What `top-drugs` prints above its lists. */
const HEADER = /^run\s+drug\s+auc_true\s+auc_pred\s+cell$/
/** RUN, drug, two values, cell. */
const ROW = /^(\S+)\s+(\S.*?)\s+(?:-?\d*\.\d+\s+){2}(\S.*)$/
const VALUE = /^[-+]?\d*\.\d+(e[-+]?\d+)?$/i

function parseText(text: string): Line[] {
  const lines = text.split(/\r?\n/).map(line => line.trim())
  return lines
    .filter(line => line !== '' && !HEADER.test(line))
    .map(line => {
      const [, , drug, cell] = ROW.exec(line) ?? []
      if (drug !== undefined && cell !== undefined) return rowOf(line, drug, cell)
      const words = line.split(/\s+/)
      const names = words.filter(word => !VALUE.test(word))
      return { text: line, key: (names.length > 0 ? names : words).join(' '), cell: null }
    })
}

/** The list that `top-drugs --json` prints; undefined for what is no JSON list. */
function parseJson(name: string, text: string): Line[] | undefined {
  if (!/^\s*\[/.test(text)) return undefined
  let rows: unknown
  try {
    rows = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(rows)) return undefined
  return rows.map((row: unknown) => {
    const { run, drug, cell } = isObject(row) ? row : {}
    if (typeof drug === 'string' && typeof cell === 'string')
      return rowOf(
        [run, drug, cell].filter(word => typeof word === 'string').join('  '),
        drug,
        cell,
      )
    throw new HedError('USAGE', `${name}: is JSON, and not such as top-drugs --json prints`, {
      hint: 'Want a list of objects with drug and cell, or a line a name.',
    })
  })
}

function rowOf(text: string, drug: string, cell: string): Line {
  return { text, key: JSON.stringify([drug, cell]), cell }
}

/** The top drugs of one cell say nothing of those of another. */
function refuseOtherCells(
  truth: string,
  wanted: ReadonlyMap<string, Line>,
  predicted: string,
  found: ReadonlyMap<string, Line>,
): void {
  const [a, b] = [wanted, found].map(lines => new Set([...lines.values()].map(l => l.cell)))
  if (a!.has(null) || b!.has(null) || [...a!].some(cell => b!.has(cell))) return
  throw new HedError(
    'USAGE',
    `${truth} is of the cell "${[...a!].join('", "')}", ${predicted} of "${[...b!].join('", "')}"`,
    { hint: 'Compare two lists of one cell.' },
  )
}

/** Upstream's form: a blank line after each hit. */
export function matchLines({ hits, share }: Match): string[] {
  return [
    ...hits.flatMap(line => [`hit: ${line}`, '']),
    `hits: ${(100 * share).toFixed(1).padStart(4)}%`,
  ]
}
