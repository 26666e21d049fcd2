import { existsSync, statSync } from 'node:fs'
import { availableParallelism, homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { HedError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import type { Settings } from '../experiment/exp.js'
import {
  BUILT_IN,
  FLAG_ONLY,
  SETTING_NAMES,
  SITES,
  variableName,
  type RawSettings,
  type SettingName,
} from './builtin.js'
import { isHostFile } from './hosts.js'
import { settingFaults } from './setting-faults.js'
import { baseFile, readSiteFile, type SiteFile } from './site-file.js'

/** Of a leader: with more workers an agent serves all of a node. */
const MOST_AGENTS = 16_000

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
 * @param read a site file
 */
export function mergeSettings(
  site: string,
  environment: Readonly<Record<string, string | undefined>>,
  flags: RawSettings,
  own: RawSettings = {},
  read: (file: string) => SiteFile = readSiteFile,
): Merged {
  const layers: [origin: string, values: RawSettings][] = [
    ['built-in', { ...BUILT_IN, ...machine() }],
    ...siteLayers(site, read),
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
  const base = /^site (\w+)$/.exec(layers[1]![0])?.[1] ?? 'local'
  if (base !== 'local' && origins.RANKS === 'built-in' && Number(values.PROCS) > MOST_AGENTS) {
    values.RANKS = 'node'
    origins.RANKS = `PROCS above ${MOST_AGENTS}`
  }
  for (const name of SETTING_NAMES) {
    values[name] ??= ''
    origins[name] ??= 'unset'
  }
  return {
    site,
    base,
    values: values as Record<SettingName, string>,
    origins: origins as Record<SettingName, string>,
  }
}

/**
 * Check every value.
 * @throws HedError USAGE naming the first setting that is wrong, or DATA_SOURCE if it is unset
 */
export function checkSettings(merged: Merged): Settings {
  const [fault] = settingFaults(merged)
  if (fault) throw fault
  const { values } = merged
  return {
    PROCS: Number(values.PROCS),
    PPN: Number(values.PPN),
    THREADS: Number(values.THREADS),
    BACKEND: values.BACKEND,
    QUEUE: values.QUEUE,
    WALLTIME: values.WALLTIME,
    PROJECT: values.PROJECT,
    FILESYSTEMS: values.FILESYSTEMS,
    DIRECTIVES: values.DIRECTIVES,
    PROLOGUE: values.PROLOGUE === '' ? '' : resolve(values.PROLOGUE),
    MODULES: values.MODULES,
    LAUNCHER: values.LAUNCHER as Settings['LAUNCHER'],
    HOSTS: isHostFile(values.HOSTS) ? resolve(values.HOSTS) : values.HOSTS,
    LAUNCHER_FLAGS: values.LAUNCHER_FLAGS,
    INTERFACE: values.INTERFACE,
    TILES: values.TILES,
    CPUS: values.CPUS,
    QUEUES: values.QUEUES,
    DATA_SOURCE: resolve(values.DATA_SOURCE),
    CANDLE_DATA_DIR: resolve(values.CANDLE_DATA_DIR),
    TMP_ROOT: resolve(values.TMP_ROOT),
    BENCHMARK_TIMEOUT: Number(values.BENCHMARK_TIMEOUT),
    LEASE: values.LEASE.split(',').map(Number) as [number, number, number],
    RANKS: values.RANKS as Settings['RANKS'],
    ORDER: values.ORDER as Settings['ORDER'],
    MAX_FAILED: Number(values.MAX_FAILED),
    ON_ALERT: values.ON_ALERT === '' ? '' : program(values.ON_ALERT),
    ENV: values.ENV === 'none' ? '' : values.ENV,
    ENV_DIR: resolve(values.ENV_DIR),
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
    ENV_DIR: join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'upf-heds/env'),
  }
}

function pick(from: Readonly<Record<string, string | undefined>>): RawSettings {
  const entries = SETTING_NAMES.flatMap(name => {
    const value = from[variableName(name)]
    return value === undefined || value === '' || FLAG_ONLY.has(name)
      ? []
      : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

/** A site by name, or a site file and what it extends, the deepest first. */
function siteLayers(site: string, read: (file: string) => SiteFile): [string, RawSettings][] {
  const known = Object.hasOwn(SITES, site) ? SITES[site] : undefined
  if (known) return [[`site ${site}`, known]]
  if (!existsSync(site) || !statSync(site).isFile()) throw unknownSite(site)
  return fileLayers(site, new Set(), read)
}

function fileLayers(
  file: string,
  seen: Set<string>,
  read: (file: string) => SiteFile,
): [string, RawSettings][] {
  if (seen.has(file)) throw new HedError('USAGE', `${file}: extends itself`)
  seen.add(file)
  const { extends: base, settings } = read(file)
  if (Object.hasOwn(SITES, base))
    return [
      [`site ${base}`, SITES[base]!],
      [file, settings],
    ]
  return [...fileLayers(baseFile(file, base), seen, read), [file, settings]]
}

/** Words that are no site; main.ts adds the nearest command. */
function unknownSite(site: string): HedError {
  const names = Object.keys(SITES)
  const near = nearest(site, names)
  return new HedError('USAGE', `"${site}" is no site, want ${names.join(', ')} or a site file`, {
    hint: near === undefined ? 'Run upf-heds --help for all commands.' : `Is "${near}" meant?`,
  })
}
