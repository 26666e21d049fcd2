import type { Params } from './workflow.js'

/** Text of parameters.txt: sorted, each value as JSON, its origin as a comment. */
export function parametersText(
  params: Params,
  origins: Readonly<Record<string, string>>,
  resolved: Params,
): string {
  const lines = ['[Global Params]']
  for (const key of Object.keys(params).sort())
    lines.push(`${key} = ${JSON.stringify(params[key])}  # ${origins[key] ?? 'default'}`)
  for (const key of Object.keys(resolved).sort())
    lines.push(`${key} = ${JSON.stringify(resolved[key])}  # resolved`)
  return `${lines.join('\n')}\n`
}
