import { MAX_BYTES, parseObject, type JsonObject, type Problem } from './json-lines.js'

export interface Dflts {
  readonly values: JsonObject
  readonly problems: readonly Problem[]
}

/** Parse a DFLTS: one JSON object, hyperparameters that every RUN shares. */
export function parseDflts(text: string, file: string): Dflts {
  const problem = (what: string): Dflts => ({
    values: {},
    problems: [{ file, line: 0, text: what }],
  })
  if (text.length > MAX_BYTES) return problem('is over 1 GB, want a DFLTS')
  const object = parseObject(text.replace(/^\uFEFF/, ''))
  if (typeof object === 'string') return problem(object.replace('{"id": "RUN000", ...}', 'one'))
  if (object['id'] !== undefined) return problem('has an "id": ids belong into the UPF')
  return { values: object, problems: [] }
}
