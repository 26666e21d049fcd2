import { HedError } from '../base/errors.js'
import type { Categories } from '../table/column.js'
import { parseCsvLine } from './csv.js'

/** A predictions file by column; the rows in the order of the file. */
export interface PredictionRows {
  readonly aucTrue: Float64Array
  readonly aucPred: Float64Array
  /** Cells, or of a RUN that holds a cell out drugs. */
  readonly labels: Categories
}

const HEADER = 'auc_true,auc_pred,labels'

/**
 * Read `auc_true,auc_pred,labels`, ours or upstream's. Sweeps have millions of such rows: numbers such as `0.123456`
 * are read as digits, which is exact, and each label is kept once.
 *
 * @param path for messages @throws HedError DATA naming the line
 */
export function parsePredictions(text: string, path: string): PredictionRows {
  const first = lineEnd(text, 0)
  if (text.slice(0, first).replace(/\r$/, '') !== HEADER)
    throw new HedError(
      'DATA',
      `${path}:1: is ${JSON.stringify(text.slice(0, Math.min(first, 60)))}, want ${HEADER}`,
      { hint: 'Run the RUN again, or leave the EXP as its sweep wrote it.' },
    )
  const isQuoted = text.includes('"')
  const most = countLines(text)
  const [aucTrue, aucPred] = [new Float64Array(most), new Float64Array(most)]
  const codes = new Int32Array(most)
  const known = new Map<string, number>()
  let rows = 0
  for (let at = first + 1; at < text.length;) {
    const end = isQuoted ? rowEnd(text, at) : lineEnd(text, at)
    const comma = text.indexOf(',', at)
    const second = text.indexOf(',', comma + 1)
    if (end > at) {
      aucTrue[rows] = comma < end ? numberIn(text, at, comma) : NaN
      aucPred[rows] = second > comma && second < end ? numberIn(text, comma + 1, second) : NaN
      if (!Number.isFinite(aucTrue[rows]! + aucPred[rows]!))
        throw wrongLine(path, rows + 2, text.slice(at, end))
      const label = labelOf(text.slice(second + 1, end))
      let code = known.get(label)
      if (code === undefined) known.set(label, (code = known.size))
      codes[rows++] = code
    }
    at = end + 1
  }
  return {
    aucTrue: aucTrue.subarray(0, rows),
    aucPred: aucPred.subarray(0, rows),
    labels: { values: [...known.keys()], codes: codes.subarray(0, rows) },
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

/** A quoted label may have line ends in it. */
function rowEnd(text: string, from: number): number {
  const end = lineEnd(text, from)
  const quote = text.indexOf('"', from)
  if (quote < 0 || quote > end) return end
  for (let at = quote + 1; at < text.length; at++)
    if (text[at] === '"' && text[++at] !== '"') return lineEnd(text, at)
  return end
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** Powers of ten are exact up to 1e22, and so is each quotient of two exact numbers: the same as Number(). */
const POWERS = Array.from({ length: 16 }, (_, n) => 10 ** n)

function numberIn(text: string, from: number, to: number): number {
  let digits = 0
  let point = -1
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit
    else if (digit === -2 && point < 0) point = at
    else return other(text, from, to)
  }
  if (to - from < (point < 0 ? 1 : 2) || to - from > 15) return other(text, from, to)
  return point < 0 ? digits : digits / POWERS[to - point - 1]!
}

/** A sign, an exponent, or no number at all. */
function other(text: string, from: number, to: number): number {
  const word = text.slice(from, to).trim()
  return /^[+-]?(\d+\.?|\d*\.\d)\d*(e[+-]?\d+)?$/i.test(word) ? Number(word) : NaN
}

function labelOf(field: string): string {
  const label = field.endsWith('\r') ? field.slice(0, -1) : field
  return label.startsWith('"') ? (parseCsvLine(label)[0] ?? '') : label
}

function wrongLine(path: string, line: number, found: string): HedError {
  return new HedError(
    'DATA',
    `${path}:${line}: is ${JSON.stringify(found.slice(0, 60))}, want two numbers and a label`,
    { hint: 'See progress --verify: it names RUNs whose files have changed.' },
  )
}
