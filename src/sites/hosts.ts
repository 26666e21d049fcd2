import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The hosts of a job, in order, each once: those of HOSTS, a list or a file, else those of the allocation that
 * we are in.
 * @throws HedError USAGE where HOSTS is a file without hosts
 */
export function hostsOf(given: string, env: Environment): string[] {
  if (given !== '') {
    const names = isHostFile(given) ? hostFile(given) : unique(given.split(',').map(nameOf))
    if (names.length > 0) return names
    throw new HedError('USAGE', `HOSTS is ${JSON.stringify(given)}: no host is named there`, {
      hint: 'Want h1,h2,h3 or a file with a host a line.',
    })
  }
  const { PBS_NODEFILE: file, SLURM_JOB_NODELIST: list } = env
  if (file !== undefined && existsSync(file)) return hostFile(file)
  if (list === undefined) return []
  try {
    return unique(execFileSync('scontrol', ['show', 'hostnames', list]).toString().split('\n'))
  } catch {
    return []
  }
}

/** Names that stand more than once in a list: in a file they may, a line for each place. */
export function repeatedHosts(given: string): string[] {
  const names = isHostFile(given) ? [] : given.split(',').map(nameOf)
  return unique(names.filter((name, n) => names.indexOf(name) < n))
}

/** A path is told from a name by its slash. */
export function isHostFile(given: string): boolean {
  return given.includes('/')
}

/** As mpiexec takes it: `h1`, `h1:4` or `h1 slots=4` a line, `#` begins a comment. */
function hostFile(path: string): string[] {
  const text = readIfThere(path)
  if (text === undefined) throw new HedError('USAGE', `HOSTS: no file ${path}`)
  return unique(text.split('\n').map(nameOf))
}

function nameOf(word: string): string {
  return word.replace(/#.*/, '').trim().split(/[\s:]/)[0]!
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names.filter(name => name !== ''))]
}
