import type { Argv } from 'yargs'
import { HedError } from '../base/errors.js'
import { flagName, SETTING_NAMES, type RawSettings } from '../sites/builtin.js'
import { SETTING_KINDS } from '../sites/setting-kinds.js'

/** Add one flag a setting: `--data-source` for DATA_SOURCE. No defaults here: settings.ts merges. */
export function addSettings<T>(y: Argv<T>): Argv<T> {
  const group = 'Settings (also environment variables):'
  for (const name of SETTING_NAMES)
    y.option(flagName(name), { type: 'string', describe: SETTING_KINDS[name].describe, group })
  return y
}

/** `--chain N`. */
export function addChain<T>(y: Argv<T>): Argv<T & { chain: number | undefined }> {
  return y.option('chain', {
    type: 'number',
    describe: 'on a batch site: jobs in a row, each goes on where the walltime ended the last',
  })
}

/** @throws HedError USAGE */
export function chainOf({ chain }: { readonly chain?: number | undefined }): number {
  if (chain === undefined) return 1
  if (Number.isInteger(chain) && chain >= 1 && chain <= 100) return chain
  throw new HedError('USAGE', `--chain is ${chain}, want jobs from 1 to 100`)
}

/** The settings among parsed arguments. */
export function settingsOf(args: Readonly<Record<string, unknown>>): RawSettings {
  return Object.fromEntries(
    SETTING_NAMES.flatMap(name => {
      const value = args[flagName(name)]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}
