import type { Argv } from 'yargs'
import { flagName, SETTING_NAMES, type RawSettings, type SettingName } from '../sites/builtin.js'

const DESCRIBE: Readonly<Record<SettingName, string>> = {
  PROCS: 'ranks, the leader included, ≥ 2',
  PPN: 'ranks per node',
  THREADS: 'CPU threads of each worker; part of what decides the results',
  BACKEND: 'what computes: auto or a name',
  QUEUE: 'queue of a batch site',
  WALLTIME: 'H:MM:SS, for a batch site',
  PROJECT: 'project or account of a batch site',
  DATA_SOURCE: 'folder with the Parquet files',
  CANDLE_DATA_DIR: 'folder where EXPs are made',
  TMP_ROOT: 'node-local folder for staged data',
  BENCHMARK_TIMEOUT: 'seconds for one attempt of a RUN, -1 none',
  LEASE: 'beat,suspect,lost in seconds',
  RANKS: 'tile: one agent a worker; node: one a node, with PPN executors',
  ORDER: 'upf: as in the UPF; longest: longest RUN first, by past epochs',
  MAX_FAILED: 'stop the sweep when more RUNs than this have failed, -1 never',
  ON_ALERT: "program to call at each alert; its one argument is the alert's text",
}

/** Add one flag a setting: `--data-source` for DATA_SOURCE. No defaults here: settings.ts merges. */
export function addSettings<T>(y: Argv<T>): Argv<T> {
  const group = 'Settings (also environment variables):'
  for (const name of SETTING_NAMES)
    y.option(flagName(name), { type: 'string', describe: DESCRIBE[name], group })
  return y
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
