/** Has a value that came from outside the type that we take it for? Small checks, put together. */
export type Check = (value: unknown) => boolean
export type Fields = Readonly<Record<string, unknown>>

export const isText: Check = v => typeof v === 'string'
export const isFlag: Check = v => typeof v === 'boolean'
export const isNumber: Check = v => typeof v === 'number' && Number.isFinite(v)
/** An integer ≥ 0 that a double holds exactly. */
export const isCount: Check = v => Number.isSafeInteger(v) && (v as number) >= 0

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object with these fields; others may be there too. */
export function shape(fields: Readonly<Record<string, Check>>): Check {
  const names = Object.keys(fields)
  const checks = Object.values(fields)
  return v => isObject(v) && checks.every((check, i) => check(v[names[i]!]))
}

export function list(check: Check): Check {
  return v => Array.isArray(v) && v.every(check)
}

export function among(values: readonly unknown[]): Check {
  return v => values.includes(v)
}

/** Absent, or of this type. */
export function maybe(check: Check): Check {
  return v => v === undefined || check(v)
}
