import { HedError } from '../base/errors.js'

/** A whole number among positionals, which are all strings. @throws HedError USAGE */
export function count(text: string, name: string, least: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < least)
    throw new HedError('USAGE', `${name} is ${JSON.stringify(text)}, want an integer ≥ ${least}`)
  return value
}
