import { existsSync, statSync } from 'node:fs'
import { availableParallelism, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { HedError } from '../base/errors.js'
import { readNamed } from '../base/files.js'
import { nearest } from '../base/nearest.js'
import type { Settings } from '../experiment/exp.js'
import {
  BUILT_IN,
  FLAG_ONLY,
  flagName,
  SETTING_NAMES,
  SITES,
  type RawSettings,
  type SettingName,
} from './builtin.js'

export interface Merged {
  readonly site: string
  /** The known site it is, or is built on. */
  readonly base: string
  readonly values: Readonly<Record<SettingName, string>>
  /** Where each value came from: `built-in`, `site local`, a file, `environment`, `flag`. */
  readonly origins: Readonly<Record<SettingName, string>>
}

/**
 * The one merge of system settings: built-in < site < site file < exp.json < environment < flag.
 * @param own of an EXP that is resumed
 */
export function mergeSettings(
  site: string,
  environment: Readonly<Record<string, string | undefined>>,
  flags: RawSettings,
  own: RawSettings = {},
): Merged {
  const layers: [origin: string, values: RawSettings][] = [
    ['built-in', { ...BUILT_IN, ...machine() }],
    ...siteLayers(site),
    ['exp.json', own],
    ['environment', pick(environment)],
    ['flag', flags],
  ]
  const values: Partial<Record<SettingName, string>> = {}
  const origins: Partial<Record<SettingName, string>> = {}
  for (const [origin, layer] of layers)
    for (const name of SETTING_NAMES) {
      const value = layer[name]
      if (value === undefined) continue
      values[name] = value
      origins[name] = origin
    }
  if (values.PPN === undefined) {
    values.PPN = values.PROCS ?? ''
    origins.PPN = 'PROCS'
  }
  for (const name of SETTING_NAMES) {
    values[name] ??= ''
    origins[name] ??= 'unset'
  }
  return {
    site,
    base: /^site (\w+)$/.exec(layers[1]![0])?.[1] ?? 'local',
    values: values as Record<SettingName, string>,
    origins: origins as Record<SettingName, string>,
  }
}

/**
 * Check every value.
 * @throws HedError USAGE naming the first setting that is wrong, or DATA_SOURCE if it is unset
 */
export function checkSettings({ values, origins }: Merged): Settings {
  const wrong = (name: SettingName, want: string) =>
    new HedError(
      'USAGE',
      `${name} is ${JSON.stringify(values[name])} (${origins[name]}), want ${want}`,
      {
        hint: FLAG_ONLY.has(name)
          ? `Give --${flagName(name)}.`
          : `Set ${name} in the environment, or give --${flagName(name)}.`,
      },
    )
  const integer = (name: SettingName, least: number) => {
    const value = Number(values[name])
    if (values[name].trim() === '' || !Number.isInteger(value) || value < least)
      throw wrong(name, `an integer ≥ ${least}`)
    return value
  }
  const timeout = Number(values.BENCHMARK_TIMEOUT)
  if (
    values.BENCHMARK_TIMEOUT === '' ||
    !((timeout > 0 && Number.isFinite(timeout)) || timeout === -1)
  )
    throw wrong('BENCHMARK_TIMEOUT', 'seconds, or -1 for none')
  const lease = values.LEASE.split(',').map(Number)
  const [beat, suspect, lost] = lease
  if (
    lease.length !== 3 ||
    !lease.every(Number.isFinite) ||
    !(beat! >= 0.1 && beat! < suspect! && suspect! < lost! && lost! <= 86_400)
  )
    throw wrong('LEASE', 'beat,suspect,lost: ascending seconds from 0.1 to a day, such as 5,30,120')
  if (values.WALLTIME !== '' && !/^\d+(:[0-5]?\d){0,2}$/.test(values.WALLTIME))
    throw wrong('WALLTIME', 'H:MM:SS, M:SS or seconds, such as 1:30:00')
  if (values.RANKS !== 'tile' && values.RANKS !== 'node') throw wrong('RANKS', 'tile or node')
  if (values.ORDER !== 'upf' && values.ORDER !== 'longest') throw wrong('ORDER', 'upf or longest')
  if (values.DATA_SOURCE === '')
    throw new HedError('USAGE', 'DATA_SOURCE is not set: the folder with the Parquet files', {
      hint: 'Set DATA_SOURCE in the environment, or give --data-source DIR; `upf-heds data demo DIR` makes a small one.',
    })
  return {
    PROCS: integer('PROCS', 2),
    PPN: integer('PPN', 1),
    THREADS: integer('THREADS', 1),
    BACKEND: values.BACKEND,
    QUEUE: values.QUEUE,
    WALLTIME: values.WALLTIME,
    PROJECT: values.PROJECT,
    DATA_SOURCE: resolve(values.DATA_SOURCE),
    CANDLE_DATA_DIR: resolve(values.CANDLE_DATA_DIR),
    TMP_ROOT: resolve(values.TMP_ROOT),
    BENCHMARK_TIMEOUT: timeout,
    LEASE: [beat!, suspect!, lost!],
    RANKS: values.RANKS,
    ORDER: values.ORDER,
    MAX_FAILED: integer('MAX_FAILED', -1),
    ON_ALERT: values.ON_ALERT === '' ? '' : program(values.ON_ALERT),
  }
}

/** A path is told from a name on PATH by its slash; it must not change with the working directory. */
function program(name: string): string {
  return name.includes('/') ? resolve(name) : name
}

function machine(): RawSettings {
  return {
    PROCS: '2',
    THREADS: String(availableParallelism()),
    TMP_ROOT: `/tmp/upf-heds-${userInfo().uid}`,
  }
}

function pick(from: Readonly<Record<string, string | undefined>>): RawSettings {
  const entries = SETTING_NAMES.flatMap(name => {
    const value = from[name]
    return value === undefined || value === '' || FLAG_ONLY.has(name)
      ? []
      : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

/** A site by name, or a site file and what it extends, the deepest first. */
function siteLayers(site: string): [string, RawSettings][] {
  const known = Object.hasOwn(SITES, site) ? SITES[site] : undefined
  if (known) return [[`site ${site}`, known]]
  if (!existsSync(site) || !statSync(site).isFile()) throw unknownSite(site)
  return fileLayers(site, new Set())
}

function fileLayers(file: string, seen: Set<string>): [string, RawSettings][] {
  if (seen.has(file)) throw new HedError('USAGE', `${file}: extends itself`)
  seen.add(file)
  let value: unknown
  try {
    value = JSON.parse(readNamed(file, 'site'))
  } catch (error) {
    if (error instanceof HedError) throw error
    throw new HedError('USAGE', `${file}: a site file is JSON: ${String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HedError('USAGE', `${file}: want a JSON object of settings`)
  const { extends: base = 'local', ...rest } = value as Record<string, unknown>
  const settings: Partial<Record<SettingName, string>> = {}
  for (const [key, given] of Object.entries(rest)) {
    const name = SETTING_NAMES.find(n => n === key)
    if (!name) {
      const near = nearest(key, SETTING_NAMES)
      throw new HedError('USAGE', `${file}: no setting is called "${key}"`, {
        hint: near === undefined ? `Settings: ${SETTING_NAMES.join(', ')}.` : `Is ${near} meant?`,
      })
    }
    settings[name] = String(given)
  }
  const below =
    typeof base === 'string' && Object.hasOwn(SITES, base)
      ? ([[`site ${base}`, SITES[base]]] as [string, RawSettings][])
      : fileLayers(String(base), seen)
  return [...below, [file, settings]]
}

/** Words that are no site; main.ts adds the nearest command. */
function unknownSite(site: string): HedError {
  const names = Object.keys(SITES)
  const near = nearest(site, names)
  return new HedError('USAGE', `"${site}" is no site, want ${names.join(', ')} or a site file`, {
    hint: near === undefined ? 'Run upf-heds --help for all commands.' : `Is "${near}" meant?`,
  })
}
