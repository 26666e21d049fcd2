import type { Json } from '../base/digest.js'

/** One thing that is wrong with an input file. */
export interface Problem {
  readonly file: string
  /** 1-based; 0: the file as a whole. */
  readonly line: number
  readonly text: string
}

/** `FILE:LINE: TEXT`, or `FILE: TEXT`: one line, whatever is in it. */
export function problemText({ file, line, text }: Problem): string {
  const whole = line > 0 ? `${file}:${line}: ${text}` : `${file}: ${text}`
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return whole.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, c => JSON.stringify(c).slice(1, -1))
}

export type JsonObject = Readonly<Record<string, Json>>

/** Files beyond this are refused: no honest UPF is that long, and a wrong path may be. */
export const MAX_BYTES = 1 << 30

/** Parse one JSON object. @returns the object, or what is wrong with the text */
export function parseObject(text: string): JsonObject | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error)
    return `no valid JSON: ${why}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${excerpt(text)} is no JSON object, want {"id": "RUN000", ...}`
  if (isDeeper(value as JsonObject, MAX_DEPTH)) return `is nested deeper than ${MAX_DEPTH}`
  const infinite = findInfinite(value as JsonObject)
  if (infinite !== undefined) return `"${infinite}" is no finite number`
  return value as JsonObject
}

/** No honest hyperparameter is nested deeper. */
const MAX_DEPTH = 100

/** Is the value nested deeper than `limit`? Goes no deeper itself. */
function isDeeper(value: Json, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return limit === 0 || Object.values(value).some(v => isDeeper(v, limit - 1))
}

/** JSON.parse reads 1e999 as Infinity, which no JSON can write back. */
function findInfinite(object: JsonObject): string | undefined {
  return Object.keys(object).find(key => hasInfinite(object[key]!))
}

function hasInfinite(value: Json): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(hasInfinite)
}

function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
