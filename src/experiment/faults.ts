import type { JsonObject, Problem } from './json-lines.js'
import type { UpfLine } from './upf.js'

export interface Faults {
  readonly problems: Problem[]
  /** @param text begins with the key in quotes, if it is about one */
  readonly add: (line: Pick<UpfLine, 'line' | 'values'>, text: string) => void
}

/**
 * What is wrong with lines that are laid over DFLTS. Each fault is told where the value stands that it names:
 * one that a line has from DFLTS is no fault of the line, and is told once for all of them.
 */
export function newFaults(
  upf: string,
  dflts: { readonly file: string; readonly values: JsonObject },
): Faults {
  const problems: Problem[] = []
  const shared = new Set<string>()
  return {
    problems,
    add: ({ line, values }, text) => {
      const isShared = isOfDflts(text, values, dflts.values)
      if (!isShared) problems.push({ file: upf, line, text })
      else if (!shared.has(text)) problems.push({ file: dflts.file, line: 0, text })
      if (isShared) shared.add(text)
    },
  }
}

/** Two values that do not agree are a fault of the line if it has one of them. */
function isOfDflts(text: string, line: JsonObject, dflts: JsonObject): boolean {
  const [key, ...others] = Array.from(text.matchAll(/"([^"]+)"/g), found => found[1]!)
  if (key === undefined || !text.startsWith('"') || !Object.hasOwn(dflts, key)) return false
  return ![key, ...others].some(name => Object.hasOwn(line, name))
}

/** Those of DFLTS first, then those of the UPF as its lines stand. */
export function inOrder(problems: readonly Problem[], upf: string): Problem[] {
  const file = (problem: Problem) => Number(problem.file === upf)
  return [...problems].sort((a, b) => file(a) - file(b) || a.line - b.line)
}
