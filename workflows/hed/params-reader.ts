import type { Json } from '../../src/base/digest.js'
import type { Params } from '../../src/experiment/workflow.js'

/** Reads typed values and collects what is wrong, so that all of it is told at once. */
export interface Reader {
  readonly problems: string[]
  /** Keys with a value, null aside. */
  given(which: (key: string) => boolean): readonly string[]
  /** The value; null where it is absent or null. */
  optional(key: string): Json
  optionalText(key: string): string | null
  /** An integer ≥ least. */
  integer(key: string, least: number): number
  number(key: string, allowed: (n: number) => boolean, want: string): number
  flag(key: string): boolean
  /** False where it is absent or null. */
  optionalFlag(key: string): boolean
  word<T extends string>(key: string, words: readonly T[]): T
  wrong(key: string, value: Json, want: string): void
}

export function newReader(params: Params): Reader {
  const problems: string[] = []
  const reader: Reader = {
    problems,
    given: which => Object.keys(params).filter(key => params[key] !== null && which(key)),
    optional: key => params[key] ?? null,
    optionalText: key => {
      const value = params[key] ?? null
      return value === null ? null : typeof value === 'string' ? value : JSON.stringify(value)
    },
    integer: (key, least) => {
      const value = params[key] ?? null
      if (Number.isInteger(value) && (value as number) >= least) return value as number
      reader.wrong(key, value, `an integer ≥ ${least}`)
      return least
    },
    number: (key, allowed, want) => {
      const value = params[key] ?? null
      if (typeof value === 'number' && Number.isFinite(value) && allowed(value)) return value
      reader.wrong(key, value, `a number ${want}`)
      return 0
    },
    flag: key => {
      const value = params[key] ?? null
      if (typeof value === 'boolean') return value
      reader.wrong(key, value, 'true or false')
      return false
    },
    optionalFlag: key => (params[key] ?? null) !== null && reader.flag(key),
    word: (key, words) => {
      const value = params[key] ?? null
      const found = words.find(w => w === value)
      if (found !== undefined) return found
      reader.wrong(key, value, `one of ${words.join(', ')}`)
      return words[0]!
    },
    wrong: (key, value, want) => {
      problems.push(`"${key}" is ${JSON.stringify(value)}, want ${want}`)
    },
  }
  return reader
}
