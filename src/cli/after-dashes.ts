/**
 * Words after `--` are no options, whatever they begin with: a cell may be named `-1`. yargs looks for positionals before it
 * looks there, so such words are given to it in a disguise, with a character that no argument can have.
 */
export const MASK = '\0'

/** The arguments without `--`; words behind it that look like options are masked. */
export function maskNames(argv: readonly string[]): string[] {
  const at = argv.indexOf('--')
  if (at < 0) return [...argv]
  const names = argv.slice(at + 1).map(word => (word.startsWith('-') ? MASK + word : word))
  return [...argv.slice(0, at), ...names]
}

/** What yargs has made of masked words, as they were given; in place. */
export function unmaskNames(args: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(args))
    args[name] = Array.isArray(value) ? value.map(unmask) : unmask(value)
}

function unmask(value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(MASK) ? value.slice(1) : value
}
