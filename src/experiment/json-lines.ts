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
  const twice = keyTwice(text, value as JsonObject)
  if (twice !== undefined) return `"${twice}" is there twice, want each key once`
  const infinite = findInfinite(value as JsonObject)
  if (infinite !== undefined) return `"${infinite}" is no finite number`
  return value as JsonObject
}

/**
 * Where in a text of several lines that is what parseObject refuses.
 * @returns its line, 1-based; 0 where that is not known, or the text as a whole is wrong
 */
export function lineOfFault(text: string): number {
  let at: number | undefined
  try {
    const value = JSON.parse(text) as Json
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    at = isObject && !isDeeper(value, MAX_DEPTH) ? findTwice(text)?.at : undefined
  } catch (error) {
    const found = / at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    const isShort = error instanceof Error && /end of JSON/.test(error.message)
    at = found !== undefined ? Number(found) : isShort ? text.trimEnd().length : undefined
  }
  return at === undefined ? 0 : text.slice(0, at).split('\n').length
}

/** No honest hyperparameter is nested deeper. */
const MAX_DEPTH = 100

/** Is the value nested deeper than `limit`? Goes no deeper itself. */
function isDeeper(value: Json, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return limit === 0 || Object.values(value).some(v => isDeeper(v, limit - 1))
}

/** JSON.parse keeps the last of two equal keys without a word. @returns one that an object of the text has twice */
function keyTwice(text: string, value: JsonObject): string | undefined {
  let keys = 0
  for (let at = text.indexOf('"'), end; at >= 0; at = text.indexOf('"', end + 1)) {
    end = endOfString(text, at)
    if (isKey(text, end)) keys++
  }
  return keys === countKeys(value) ? undefined : findTwice(text)?.key
}

/** Where the string that begins at `at` ends; no pattern: it may be very long. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    let back = end
    while (text[back - 1] === '\\') back--
    if ((end - back) % 2 === 0) return end
  }
}

/** Does a colon follow the string that ends there? */
function isKey(text: string, end: number): boolean {
  let at = end + 1
  while (text.charCodeAt(at) <= 32) at++
  return text[at] === ':'
}

function countKeys(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  const values = Object.values(value)
  let keys = Array.isArray(value) ? 0 : values.length
  for (const v of values) keys += countKeys(v)
  return keys
}

/** The first such key, object by object. Only for a text that has one. */
function findTwice(text: string): { key: string; at: number } | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') open.push(new Set())
    else if (text[at] === '}') open.pop()
    if (text[at] !== '"') continue
    const end = endOfString(text, at)
    if (isKey(text, end)) {
      const key = JSON.parse(text.slice(at, end + 1)) as string
      if (open.at(-1)?.has(key)) return { key, at }
      open.at(-1)?.add(key)
    }
    at = end
  }
  return undefined
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
