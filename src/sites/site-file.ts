import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { HedError } from '../base/errors.js'
import { readNamed } from '../base/files.js'
import { nearest } from '../base/nearest.js'
import { isObject } from '../base/shape.js'
import { SETTING_NAMES, SITES, type RawSettings, type SettingName } from './builtin.js'
import { SETTING_KINDS } from './setting-kinds.js'

/** A site file: settings on top of a known site or of another file. */
export interface SiteFile {
  readonly extends: string
  readonly settings: RawSettings
}

/** Something in a site file that is not as it must be. */
export interface Problem {
  readonly message: string
  readonly hint?: string
}

/** @throws HedError USAGE naming the first thing that is wrong */
export function readSiteFile(file: string): SiteFile {
  const { site, problems } = checkSiteFile(file)
  const [first] = problems
  if (first === undefined) return site
  throw new HedError('USAGE', first.message, first.hint === undefined ? {} : { hint: first.hint })
}

/** Everything that is wrong with it. @throws HedError USAGE where it cannot be read, or is no JSON object */
export function checkSiteFile(file: string): { site: SiteFile; problems: Problem[] } {
  const value = parse(file)
  const problems: Problem[] = []
  const settings: Partial<Record<SettingName, string>> = {}
  const { extends: base = 'local', ...rest } = value
  const isKnown = typeof base === 'string' && isBase(file, base)
  if (!isKnown) problems.push(wrongBase(file, base))
  for (const [key, given] of Object.entries(rest)) {
    if (key === '$schema' || key.startsWith('//')) continue
    const name = SETTING_NAMES.find(n => n === key)
    const found = name === undefined ? unknown(key) : textOf(name, given)
    if (typeof found === 'string') settings[name!] = found
    else problems.push({ ...found, message: `${file}: ${found.message}` })
  }
  return { site: { extends: isKnown ? base : 'local', settings }, problems }
}

/** A file that is built on: told from where the one that names it lies, not from where we are. */
export function baseFile(file: string, base: string): string {
  return resolve(dirname(file), base)
}

function isBase(file: string, base: string): boolean {
  return Object.hasOwn(SITES, base) || existsSync(baseFile(file, base))
}

function wrongBase(file: string, base: unknown): Problem {
  const sites = Object.keys(SITES)
  const near = typeof base === 'string' ? nearest(base, sites) : undefined
  return {
    message: `${file}: "extends" is ${shown(base)}, want ${sites.join(', ')} or a site file`,
    hint: near === undefined ? 'Give the path from this file.' : `Is ${near} meant?`,
  }
}

function parse(file: string): Record<string, unknown> {
  let value: unknown
  try {
    // some editors begin a file with a byte order mark
    value = JSON.parse(readNamed(file, 'site').replace(/^\uFEFF/, ''))
  } catch (error) {
    if (error instanceof HedError) throw error
    throw new HedError('USAGE', `${file}: a site file is JSON: ${String(error)}`)
  }
  if (!isObject(value)) throw new HedError('USAGE', `${file}: want a JSON object of settings`)
  return value
}

function unknown(key: string): Problem {
  const near = nearest(key, [...SETTING_NAMES, 'extends'])
  return {
    message: `no setting is called "${key}"`,
    hint: near === undefined ? `Settings: ${SETTING_NAMES.join(', ')}.` : `Is ${near} meant?`,
  }
}

/** A setting as text, which is what the environment and flags give, too. */
function textOf(name: SettingName, given: unknown): string | Problem {
  const { least, choices, between } = SETTING_KINDS[name]
  const wrong = (want: string): Problem => ({ message: `${name} is ${shown(given)}, want ${want}` })
  if (least !== undefined) {
    const number = typeof given === 'number' || typeof given === 'string' ? Number(given) : NaN
    const isWhole = Number.isInteger(number) || name === 'BENCHMARK_TIMEOUT'
    return isWhole && number >= least && given !== ''
      ? String(given)
      : wrong(`an integer ≥ ${least}`)
  }
  if (choices !== undefined && (typeof given !== 'string' || !choices.includes(given))) {
    const problem = wrong(choices.filter(choice => choice !== '').join(', '))
    const near = typeof given === 'string' ? nearest(given, choices) : undefined
    return near ? { ...problem, hint: `Is ${near} meant?` } : problem
  }
  if (typeof given === 'string') return given
  if (between === undefined) return wrong('a text')
  const isWord = (part: unknown) => typeof part === 'string' || typeof part === 'number'
  return Array.isArray(given) && given.every(isWord)
    ? given.join(between)
    : wrong('a text, or a list of texts')
}

function shown(value: unknown): string {
  return JSON.stringify(value)
}
