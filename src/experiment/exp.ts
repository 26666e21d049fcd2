import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { sha256 } from '../base/digest.js'
import { codeOf, HedError, messageOf } from '../base/errors.js'
import { readIfThere, writeAtomicSync } from '../base/files.js'
import { makeFolders } from '../base/folders.js'
import { isObject } from '../base/shape.js'
import type { DataDigest } from './digest.js'
import * as layout from './layout.js'
import type { Params } from './workflow.js'

/** System settings of an EXP, as merged (sites/settings.ts). */
export interface Settings {
  /** Ranks, the leader included; ≥ 2. */
  readonly PROCS: number
  readonly PPN: number
  /** CPU threads per executor. Part of what decides the bytes. */
  readonly THREADS: number
  /** In exp.json the backend as chosen, never `auto`. */
  readonly BACKEND: string
  readonly QUEUE: string
  readonly WALLTIME: string
  readonly PROJECT: string
  /** `home:flare`: what a job on PBS says that it needs. */
  readonly FILESYSTEMS: string
  /** More directives for the scheduler, with `;` between them. */
  readonly DIRECTIVES: string
  /** Modules that the nodes load before the ranks start, with blanks between them. */
  readonly MODULES: string
  /** File that a job script reads before it starts the ranks, absolute; '' for what the site has. */
  readonly PROLOGUE: string
  /** What starts the ranks; '' for the site's own. */
  readonly LAUNCHER: '' | LauncherName
  /** Names with commas between them, or a host file, absolute; '' for those of the allocation. */
  readonly HOSTS: string
  /** More words for the launcher. */
  readonly LAUNCHER_FLAGS: string
  /** Network interface by which agents reach the leader; '' for any that serves. */
  readonly INTERFACE: string
  /** `VARIABLE=a,b,…`: what makes the executors of a node use one device each. */
  readonly TILES: string
  /** Cores for each rank of a node, as taskset has them, with `:` between ranks. */
  readonly CPUS: string
  /** Queues and what they take: `NAME LEAST-MOST H:MM:SS`, with `;` between them. */
  readonly QUEUES: string
  /** Folder with the Parquet files, absolute. */
  readonly DATA_SOURCE: string
  readonly CANDLE_DATA_DIR: string
  readonly TMP_ROOT: string
  /** Seconds per attempt; -1: none. */
  readonly BENCHMARK_TIMEOUT: number
  /** Seconds: beat, suspect, lost; ascending. */
  readonly LEASE: readonly [number, number, number]
  /** One agent a tile, or one a node for all its workers. */
  readonly RANKS: 'tile' | 'node'
  readonly ORDER: 'upf' | 'longest'
  /** Failed RUNs beyond this number stop the sweep; -1: never. */
  readonly MAX_FAILED: number
  /** Program called with the text of each alert; '' for none. */
  readonly ON_ALERT: string
  /** Runtime image that ranks start from; in exp.json with its digest: `2026-1@sha256:…`. '' for none. */
  readonly ENV: string
  /** Folder of runtime images, absolute. */
  readonly ENV_DIR: string
}

export const LAUNCHERS = ['hydra', 'openmpi', 'srun', 'pals'] as const
export type LauncherName = (typeof LAUNCHERS)[number]

/** An experiment on disk: what exp.json says. */
export interface Experiment {
  /** Absolute path of the EXP directory. */
  readonly path: string
  /** Unique among all EXPs ever made: `EXP001-` and a random tail. */
  readonly id: string
  readonly site: string
  readonly workflow: string
  readonly version: string
  readonly settings: Settings
  readonly origins: Readonly<Record<string, string>>
  /** Why the backend was chosen. */
  readonly backendWhy: string
  /** Model defaults at the time: a later version that adds one invalidates nothing. */
  readonly defaults: Params
  readonly upf: { readonly name: string; readonly sha256: string }
  readonly dflts: { readonly name: string; readonly sha256: string }
  readonly data: DataDigest
  readonly created: string
}

export type NewExperiment = Omit<Experiment, 'path' | 'id' | 'created' | 'upf' | 'dflts'>

/**
 * Make `EXP%03d`, the highest number + 1, by one mkdir: two who try at once get two EXPs.
 * Nothing is left behind if anything fails.
 *
 * @param inputs UPF and DFLTS as given: path and text
 * @param fill finishes the EXP (plan, carried RUNs) before anybody is told of it
 * @throws HedError USAGE if it cannot be written, or names clash
 */
export async function createExp(
  from: NewExperiment,
  inputs: { readonly upf: InputFile; readonly dflts: InputFile },
  fill: (exp: Experiment) => Promise<void> | void,
): Promise<Experiment> {
  checkNames(inputs.upf.path, inputs.dflts.path)
  const parent = resolve(from.settings.CANDLE_DATA_DIR)
  const path = makeNumbered(parent)
  try {
    fs.mkdirSync(layout.engine(path)) // for whoever may read the EXP; its secrets are files of mode 0600
    fs.mkdirSync(layout.outDirectory(path))
    fs.mkdirSync(layout.runs(path))
    const copy = ({ path: source, text }: InputFile) => {
      const name = basename(source)
      writeAtomicSync(join(path, name), text)
      return { name, sha256: sha256(text) }
    }
    const exp: Experiment = {
      ...from,
      path,
      id: `${basename(path)}-${randomUUID().slice(0, 8)}`,
      upf: copy(inputs.upf),
      dflts: copy(inputs.dflts),
      created: new Date().toISOString(),
    }
    await fill(exp)
    writeExp(exp)
    return exp
  } catch (error) {
    fs.rmSync(path, { recursive: true, force: true })
    throw error
  }
}

/** exp.json, which the ranks read. */
export function writeExp(exp: Experiment): void {
  const content = { ...exp, path: undefined } // a moved EXP is still the same
  writeAtomicSync(layout.expFile(exp.path), `${JSON.stringify(content, null, 2)}\n`)
}

export interface InputFile {
  readonly path: string
  readonly text: string
}

/** Would createExp accept the place? Asked before anything costly is done. @throws HedError USAGE */
export function checkOutput(candleDataDir: string): void {
  const path = resolve(candleDataDir)
  try {
    makeFolders(path)
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK)
  } catch (error) {
    throw notWritable(path, error)
  }
}

/**
 * An EXP by path, or by name below CANDLE_DATA_DIR.
 * @throws HedError USAGE if there is none, or its exp.json is damaged
 */
export function openExp(nameOrPath: string, candleDataDir: string): Experiment {
  const path = findExp(nameOrPath, candleDataDir)
  const file = layout.expFile(path)
  const text = readIfThere(file)
  if (text === undefined)
    throw new HedError('USAGE', `${path}: has no exp.json, want an experiment made by upf-heds`, {
      hint: 'Name an EXP directory.',
    })
  try {
    const found: unknown = JSON.parse(text)
    if (!isObject(found)) throw new Error('is no JSON object')
    const value = found as unknown as Omit<Experiment, 'path'>
    const parts = [value.settings, value.data, value.upf, value.dflts, value.defaults]
    if (typeof value.id !== 'string' || !parts.every(isObject))
      throw new Error('fields are missing')
    return { ...value, path }
  } catch (error) {
    throw new HedError('USAGE', `${file}: is damaged: ${messageOf(error)}`, {
      hint: 'Put a copy of it back; without it start a new EXP.',
      cause: error,
    })
  }
}

/** Directory of an EXP, whoever made it. @throws HedError USAGE */
export function findExp(nameOrPath: string, candleDataDir: string): string {
  const places = [resolve(nameOrPath)]
  if (!isAbsolute(nameOrPath) && !nameOrPath.includes('/'))
    places.push(resolve(candleDataDir, nameOrPath))
  const found = places.find(p => fs.statSync(p, { throwIfNoEntry: false })?.isDirectory())
  if (found === undefined)
    throw new HedError('USAGE', `${nameOrPath}: no such experiment (${places.join(' and ')})`, {
      hint: 'Give the path of an EXP, or its name below CANDLE_DATA_DIR.',
    })
  return found
}

/** Names of UPF and DFLTS as an EXP can keep them. @throws HedError USAGE */
export function checkNames(upf: string, dflts: string): void {
  const [a, b] = [basename(upf), basename(dflts)]
  if (a === b)
    throw new HedError('USAGE', `UPF and DFLTS are both called ${a}: an EXP keeps both`, {
      hint: 'Rename one of them.',
    })
  for (const name of [a, b])
    if (layout.RESERVED.has(name))
      throw new HedError('USAGE', `${name}: an EXP has a file of this name itself`, {
        hint: 'Rename it.',
      })
}

function makeNumbered(parent: string): string {
  checkOutput(parent)
  for (;;) {
    const numbers = fs.readdirSync(parent).flatMap(name => /^EXP(\d{3,})$/.exec(name)?.[1] ?? [])
    const next = Math.max(0, ...numbers.map(Number)) + 1
    const path = join(parent, `EXP${String(next).padStart(3, '0')}`)
    try {
      fs.mkdirSync(path)
      return path
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw notWritable(parent, error)
    }
  }
}

function notWritable(path: string, error: unknown): HedError {
  return new HedError(
    'USAGE',
    `${path}: no experiment can be made here: ${codeOf(error) ?? String(error)}`,
    { hint: 'Set CANDLE_DATA_DIR to a folder you may write to.', cause: error },
  )
}
