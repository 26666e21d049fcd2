import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'

/** Helpers that run the real command line as a real process. */
export const BIN = resolve('dist/src/cli/bin.js')

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Run a command to its end.
 * @param on what goes before it, as for another host
 */
export function upfHeds(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  on: readonly string[] = [],
): Ended {
  const [program, ...words] = [...on, process.execPath, BIN, ...args]
  const ended = spawnSync(program!, words, {
    cwd,
    encoding: 'utf8',
    timeout: 200_000,
    killSignal: 'SIGKILL',
    env: clean(env),
  })
  return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr }
}

export interface Started {
  readonly child: ChildProcess
  /** Resolves when stdout has a match. */
  until(pattern: RegExp): Promise<void>
  readonly ended: Promise<Ended & { readonly signal: NodeJS.Signals | null }>
}

/** Start a command that will be disturbed. */
export function start(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  on: readonly string[] = [],
): Started {
  const [program, ...words] = [...on, process.execPath, BIN, ...args]
  const child = spawn(program!, words, { cwd, env: clean(env), stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  const waiting: { pattern: RegExp; resolve: () => void }[] = []
  const look = () => {
    for (const w of waiting) if (w.pattern.test(stdout)) w.resolve()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    look()
  })
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return {
    child,
    until: pattern =>
      new Promise(done => {
        waiting.push({ pattern, resolve: done })
        look()
        child.on('exit', () => done())
      }),
    ended: new Promise(done =>
      child.on('exit', (status, signal) => done({ status, signal, stdout, stderr })),
    ),
  }
}

export interface Process {
  readonly pid: number
  /** `launcher`: a call of one, or a shield that it has started. `source`: what gives data to other nodes. */
  readonly kind: 'launcher' | 'leader' | 'agent' | 'executor' | 'source'
}

/** Processes of a sweep, by what they are: found by the EXP's path in their arguments. */
export function processes(exp: string): Process[] {
  const all = fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))
  const found: Process[] = []
  for (const name of all)
    try {
      const args = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8')
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z') || !args.includes(exp)) continue
      const kind = kindOf(args)
      if (kind) found.push({ pid: Number(name), kind })
    } catch {
      // gone in between
    }
  return found
}

function kindOf(args: readonly string[]): Process['kind'] | undefined {
  if (args.some(a => a.endsWith('executor-bin.js'))) return 'executor'
  if (!args.includes('rank')) return undefined
  if (args.includes('--shield') || args.includes('--launch')) return 'launcher'
  if (args.includes('--source')) return 'source'
  return args[args.indexOf('--rank') + 1] === '0' ? 'leader' : 'agent'
}

const RESULTS = [
  'val_scores.json',
  'test_scores.json',
  'val_y_data_predicted.csv',
  'test_y_data_predicted.csv',
  'result.txt',
  'ckpts/best/model.h5',
  'ckpts/last/model.h5',
]

/** Digest of the result bytes of every RUN: what must not depend on who ran it. */
export function resultBytes(exp: string): Record<string, string> {
  const out: Record<string, string> = {}
  for (const run of fs.readdirSync(join(exp, 'run')).sort())
    for (const name of RESULTS) {
      const path = join(exp, 'run', run, name)
      out[`${run}/${name}`] = fs.existsSync(path) ? digest(fs.readFileSync(path)) : 'missing'
    }
  return out
}

/** Digest of every file and link below a folder. */
export function treeBytes(folder: string): Record<string, string> {
  const out: Record<string, string> = {}
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) out[path] = fs.readlinkSync(path)
    else if (entry.isFile()) out[path] = digest(fs.readFileSync(path))
  }
  return out
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** No setting of the person who runs the tests. */
function clean(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(PROCS|PPN|THREADS|BACKEND|DATA_SOURCE|CANDLE_DATA_DIR|TMP_ROOT|LEASE|TAP.*|NODE_OPTIONS|NODE_V8_COVERAGE)$/.test(
        name,
      ),
  )
  return { ...Object.fromEntries(own), ...env }
}
