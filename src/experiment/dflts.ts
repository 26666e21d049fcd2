import { lineOfFault, parseObject, type JsonObject, type Problem } from './json-lines.js'

export interface Dflts {
  readonly values: JsonObject
  readonly problems: readonly Problem[]
}

/** Parse a DFLTS: one JSON object, hyperparameters that every RUN shares. */
export function parseDflts(text: string, file: string): Dflts {
  const problem = (what: string, line = 0): Dflts => ({
    values: {},
    problems: [{ file, line, text: what }],
  })
  const json = text.replace(/^\uFEFF/, '')
  const object = parseObject(json)
  if (typeof object === 'string')
    return problem(object.replace('{"id": "RUN000", ...}', 'one'), lineOfFault(json))
  if (object['id'] !== undefined) return problem('has an "id": ids belong into the UPF')
  return { values: object, problems: [] }
}
