import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { HedError } from '../base/errors.js'
import { readNamed, writeAtomicSync } from '../base/files.js'
import { nearest } from '../base/nearest.js'
import { plural } from '../base/plural.js'
import type { Settings } from '../experiment/exp.js'
import { BATCH } from '../sites/batch.js'
import { BUILT_IN, SITES, type SettingName } from '../sites/builtin.js'
import { hostsOf, repeatedHosts } from '../sites/hosts.js'
import { launchCalls, shapeOf, wantsHosts } from '../sites/launchers.js'
import { settingFaults } from '../sites/setting-faults.js'
import { SETTING_KINDS } from '../sites/setting-kinds.js'
import { checkSettings, mergeSettings } from '../sites/settings.js'
import { checkSiteFile, type Problem } from '../sites/site-file.js'
import { SCHEMA_FILE } from '../sites/site-schema.js'
import { showScript } from './submit.js'

/** What a site decides, in the order in which a person thinks of it. */
const SHARED: readonly SettingName[] = [
  ...(['PROCS', 'PPN', 'THREADS', 'BACKEND', 'LAUNCHER', 'LAUNCHER_FLAGS'] as const),
  ...(['MODULES', 'PROLOGUE', 'INTERFACE', 'TILES', 'CPUS', 'TMP_ROOT'] as const),
]
const OF_BATCH: readonly SettingName[] = [
  ...(['PROJECT', 'QUEUE', 'WALLTIME', 'FILESYSTEMS', 'DIRECTIVES', 'QUEUES'] as const),
]
/** For hosts without a scheduler: two ranks on each of two. */
const LAB = { HOSTS: 'h1,h2', LAUNCHER: 'hydra', PROCS: '4', PPN: '2', THREADS: '8' }

/**
 * Make a site file with every setting that a site decides, and what it is.
 * @returns a line for people
 * @throws HedError USAGE where there is such a file, or no such base
 */
export function writeSiteFile(path: string, base: string): string {
  const file = /\.json$/.test(path) ? path : `${path}.json`
  if (existsSync(file))
    throw new HedError('USAGE', `${file}: is there already`, { hint: 'Give another name.' })
  if (!Object.hasOwn(SITES, base)) {
    const near = nearest(base, Object.keys(SITES))
    throw new HedError('USAGE', `--extends is "${base}", want ${Object.keys(SITES).join(', ')}`, {
      hint:
        near === undefined ? 'Leave it away for hosts without a scheduler.' : `Is "${near}" meant?`,
    })
  }
  const isLab = base === 'local'
  const values = { ...BUILT_IN, TMP_ROOT: '', ...SITES[base], ...(isLab ? LAB : {}) }
  const names = isLab ? (['HOSTS', ...SHARED] as const) : [...OF_BATCH, ...SHARED]
  const lines = names.flatMap((name): [string, string | number][] => {
    const value = values[name] ?? ''
    // what is empty is left to the site it is built on: its line stays a comment
    const key = value === '' ? `// ${name} =` : name
    const { least, describe } = SETTING_KINDS[name]
    const shown = least === undefined || value === '' ? value : Number(value)
    return value === ''
      ? [[key, describe]]
      : [
          [`// ${name}`, describe],
          [key, shown],
        ]
  })
  const content = { $schema: SCHEMA_FILE, extends: base, ...(Object.fromEntries(lines) as object) }
  writeAtomicSync(file, `${JSON.stringify(content, null, 2)}\n`)
  const shown = relative('.', resolve(file))
  return `${shown} is written; upf-heds site check ${shown} checks it, upf-heds ${shown} UPF DFLTS runs a sweep there`
}

export interface Judgement {
  readonly problems: readonly Problem[]
  /** What is no fault, but not what its writer thinks perhaps. */
  readonly notes: readonly string[]
  /** What it is; undefined with problems. */
  readonly summary: string | undefined
}

/** All that is wrong with a site file, also what would only be found when a sweep begins. @throws HedError USAGE */
export function judgeSiteFile(file: string): Judgement {
  const problems: Problem[] = []
  const add = ({ message, hint }: HedError) => {
    const text = message.startsWith(file) ? message : `${file}: ${message}`
    problems.push({ message: text, ...(hint === undefined ? {} : { hint }) })
  }
  const read = (path: string) => {
    const found = checkSiteFile(path)
    problems.push(...found.problems)
    return found.site
  }
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof HedError)) throw error
      add(error)
      return undefined
    }
  }
  checkSiteFile(file) // what is no site file at all is thrown
  const merged = attempt(() => mergeSettings(file, {}, { DATA_SOURCE: '.' }, {}, read))
  if (!merged) return { problems, notes: [], summary: undefined }
  const faults = settingFaults(merged)
  faults.forEach(add)
  // what hangs on several settings is looked at where each is right
  const settings = faults.length > 0 ? undefined : checkSettings(merged)
  const notes = settings ? judgeTogether(file, merged.base, settings, attempt) : []
  if (!settings || problems.length > 0) return { problems, notes, summary: undefined }
  const { nodes, perNode } = shapeOf(settings)
  const by = settings.LAUNCHER === '' ? '' : ` by ${settings.LAUNCHER}`
  const shape = `${plural(nodes, 'node')}, ${plural(perNode, 'rank')} on each${by}`
  return { problems, notes, summary: `${file}: right, on top of ${merged.base}: ${shape}` }
}

/** @returns notes */
function judgeTogether(
  file: string,
  base: string,
  settings: Settings,
  attempt: (work: () => unknown) => unknown,
): string[] {
  const { PROLOGUE, HOSTS, LAUNCHER } = settings
  if (PROLOGUE !== '') attempt(() => readNamed(PROLOGUE, 'PROLOGUE'))
  const isBatch = BATCH[base] !== undefined
  if (isBatch) attempt(() => showScript(base, settings))
  if (HOSTS === '') return []
  if (isBatch && LAUNCHER !== '' && !wantsHosts(LAUNCHER))
    return [`${file}: HOSTS is not used: ${LAUNCHER} takes the hosts that the scheduler gives`]
  if (LAUNCHER === '') return [`${file}: HOSTS is not used without a LAUNCHER`]
  attempt(() => launchCalls(settings, hostsOf(HOSTS, {}), [], []))
  attempt(() => {
    const repeated = repeatedHosts(HOSTS)
    if (repeated.length > 0)
      throw new HedError('USAGE', `HOSTS names ${repeated.join(', ')} more than once`, {
        hint: 'Name each host once: PPN says how many ranks it has.',
      })
  })
  return []
}
