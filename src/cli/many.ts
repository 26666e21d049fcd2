/** For a command with a positional of many words: yargs takes them for one option given many times. */
export const MANY = { 'parse-positional-numbers': false, 'duplicate-arguments-array': true }

/** An option that was given several times: the last holds, as everywhere. */
export function last<T>(value: T): T {
  return Array.isArray(value) ? (value.at(-1) as T) : value
}
