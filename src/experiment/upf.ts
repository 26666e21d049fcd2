import { runId, type RunId } from '../base/ids.js'
import { parseObject, type JsonObject, type Problem } from './json-lines.js'

/** One line of a UPF: one RUN. */
export interface UpfLine {
  readonly run: RunId
  /** 1-based. */
  readonly line: number
  /** Everything of the line but `id`. */
  readonly values: JsonObject
}

export interface Upf {
  readonly lines: readonly UpfLine[]
  /** Lines whose `id` alone cannot stand; their `run` is a stopgap. What else is wrong with them can be told all the same. */
  readonly misnamed: readonly UpfLine[]
  readonly problems: readonly Problem[]
}

/** Where there is no id. */
const STOPGAP = 'RUN' as RunId

/**
 * Parse a UPF: blank lines and `#` comments aside, one JSON object a line, each with an `id` of its own.
 * Everything wrong is found at once. BOM and CRLF are accepted; a `#` inside a line of JSON is data.
 */
export function parseUpf(text: string, file: string): Upf {
  const lines: UpfLine[] = []
  const misnamed: UpfLine[] = []
  const problems: Problem[] = []
  const first = new Map<string, number>()
  let number = 0
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    number++
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const problem = (what: string) => problems.push({ file, line: number, text: what })
    const object = parseObject(trimmed)
    if (typeof object === 'string') {
      problem(object)
      continue
    }
    const { id, ...values } = object
    const run = runId(id)
    if (run === undefined) {
      problem(
        id === undefined
          ? 'has no "id", want one such as "id": "RUN000"'
          : `"id" is ${JSON.stringify(id)}, want 1 to 64 letters, digits, ".", "_" or "-", not beginning with "." or "-", such as "RUN000"`,
      )
      misnamed.push({ run: STOPGAP, line: number, values })
      continue
    }
    const earlier = first.get(run)
    if (earlier !== undefined) {
      problem(`"id" ${JSON.stringify(run)} is that of line ${earlier} too, want one of its own`)
      misnamed.push({ run, line: number, values })
      continue
    }
    first.set(run, number)
    lines.push({ run, line: number, values })
  }
  if (lines.length === 0 && problems.length === 0)
    problems.push({ file, line: 0, text: 'has no RUN, want one JSON object a line' })
  return { lines, misnamed, problems }
}
