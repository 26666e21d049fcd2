import { spawn, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadWorkflow } from '../../src/cli/workflows.js'
import { createExp, openExp } from '../../src/experiment/exp.js'
import { writePlan } from '../../src/experiment/plan.js'
import { prepare, readInputs } from '../../src/experiment/prepare.js'
import type { RawSettings } from '../../src/sites/builtin.js'
import { childEnvironment } from '../../src/sites/detect.js'
import { checkSettings, mergeSettings } from '../../src/sites/settings.js'
import { BIN } from './sweep.js'

/**
 * Ranks as mpiexec starts them: no lifeline, no restart, in our own process group, so that agents
 * outlive their leader and a leader its agents. Whoever is left when this process ends is killed.
 */
export interface Rank {
  readonly rank: number
  readonly pid: number
  readonly child: ChildProcess
  /** @returns false if it is gone already */
  kill(signal: NodeJS.Signals): boolean
  running(): boolean
  /** Exit code or signal, and the last 64 kB of what it wrote. */
  readonly ended: Promise<RankEnded>
}

export interface RankEnded {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RankOptions {
  /** Wait for a leader of at least this epoch; 0: whoever is in the rendezvous file. */
  readonly epoch?: number
  /** Added to the environment, e.g. NODE_OPTIONS with fs-faults.mjs. */
  readonly env?: NodeJS.ProcessEnv
}

/** An EXP made by the code that makes every EXP, its RUNs not begun. @returns its path */
export async function makeExp(
  folder: string,
  upfLines: readonly object[],
  dflts: object,
  settings: RawSettings,
): Promise<string> {
  const upf = join(folder, 'upf.txt')
  const dfltsFile = join(folder, 'dflts.json')
  const data = join(folder, 'data')
  fs.mkdirSync(data, { recursive: true })
  fs.writeFileSync(upf, upfLines.map(line => `${JSON.stringify(line)}\n`).join(''))
  fs.writeFileSync(dfltsFile, JSON.stringify(dflts))
  const merged = mergeSettings(
    'local',
    {},
    {
      DATA_SOURCE: data,
      CANDLE_DATA_DIR: join(folder, 'out'),
      TMP_ROOT: join(folder, 'tmp'),
      THREADS: '1',
      ...settings,
    },
  )
  const checked = checkSettings(merged)
  const inputs = readInputs(upf, dfltsFile)
  const { workflow } = await loadWorkflow(inputs.workflow)
  const backend = await workflow.chooseBackend(checked.BACKEND)
  const prepared = await prepare(inputs, workflow, {
    dataSource: checked.DATA_SOURCE,
    threads: checked.THREADS,
    backend: backend.name,
    timeout: checked.BENCHMARK_TIMEOUT,
    strict: true,
    defaults: workflow.defaults,
  })
  const exp = await createExp(
    {
      site: 'local',
      version: 'test',
      workflow: inputs.workflow,
      settings: { ...checked, BACKEND: backend.name },
      origins: merged.origins,
      backendWhy: backend.why,
      defaults: workflow.defaults,
      data: prepared.data,
    },
    inputs,
    made => writePlan(made.path, prepared.plan.runs),
  )
  return exp.path
}

export function startLeader(exp: string, options: RankOptions = {}): Rank {
  return startRank(exp, 0, options)
}

/** @param rank 1 or more */
export function startAgent(exp: string, rank: number, options: RankOptions = {}): Rank {
  return startRank(exp, rank, options)
}

const KEPT = 65_536
const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

function startRank(exp: string, rank: number, { epoch = 0, env = {} }: RankOptions): Rank {
  const { workflow } = openExp(exp, '.')
  const args = [
    ...[BIN, 'rank', '--exp', exp, '--rank', String(rank)],
    ...['--epoch', String(epoch), '--workflow', workflowUrl(workflow)],
  ]
  const child = spawn(process.execPath, args, {
    detached: false,
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid === undefined) throw new Error(`rank ${rank} cannot be started`)
  living.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(-KEPT)))
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-KEPT)))
  const ended = new Promise<RankEnded>(done => {
    // 'exit', not 'close': an executor that lives on may hold the pipes
    child.on('exit', (status, signal) => {
      living.delete(child)
      // what is in the pipes already is read first
      setImmediate(() => done({ status, signal, stdout, stderr }))
    })
  })
  return {
    rank,
    pid: child.pid,
    child,
    kill: signal => living.has(child) && child.kill(signal),
    running: () => living.has(child),
    ended,
  }
}

/** As loadWorkflow names it, without loading it. */
function workflowUrl(name: string): string {
  if (!name.startsWith('/')) return pathToFileURL(resolve(`dist/workflows/${name}/index.js`)).href
  const folder = fs.statSync(name).isDirectory()
  return pathToFileURL(folder ? join(name, 'index.js') : name).href
}

/** No setting and no test runner's variable of the person who runs the tests. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(childEnvironment(process.env)).filter(
      ([name]) =>
        !/^(PROCS|PPN|THREADS|BACKEND|DATA_SOURCE|CANDLE_DATA_DIR|TMP_ROOT|LEASE|TAP.*|NODE_OPTIONS|NODE_V8_COVERAGE)$/.test(
          name,
        ),
    ),
  )
}
