import { spawnSync } from 'node:child_process'

/** Can a command begin with these words here, as with `taskset --cpu-list 0`? */
export function isPrefix(words: readonly [string, ...string[]]): boolean {
  const [program, ...args] = words
  return spawnSync(program, [...args, 'true'], { stdio: 'ignore' }).status === 0
}
