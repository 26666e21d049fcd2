// Options of a benchmark, which all have defaults.
import { parseArgs } from 'node:util'

/**
 * @param defaults numbers by name, and lists of words; `--name VALUE` replaces one
 * @returns the same names with numbers and lists
 */
export function options(defaults) {
  const { values } = parseArgs({
    options: Object.fromEntries(Object.keys(defaults).map(name => [name, { type: 'string' }])),
  })
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => {
      const given = values[name]
      if (given === undefined) return [name, value]
      if (!Array.isArray(value)) return [name, number(name, given)]
      const words = given.split(',')
      return [name, typeof value[0] === 'number' ? words.map(w => number(name, w)) : words]
    }),
  )
}

function number(name, text) {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  console.error(`--${name} is ${JSON.stringify(text)}, want a number`)
  process.exit(2)
}
