/** System settings by name, as text: what the environment and flags give too. */
export type RawSettings = Readonly<Partial<Record<SettingName, string>>>

export const SETTING_NAMES = [
  'PROCS',
  'PPN',
  'THREADS',
  'BACKEND',
  'QUEUE',
  'WALLTIME',
  'PROJECT',
  'DATA_SOURCE',
  'CANDLE_DATA_DIR',
  'TMP_ROOT',
  'BENCHMARK_TIMEOUT',
  'LEASE',
  'RANKS',
  'ORDER',
  'MAX_FAILED',
  'ON_ALERT',
] as const
/** Of these only the flag counts: such words in an environment may mean anything. */
export const FLAG_ONLY: ReadonlySet<SettingName> = new Set([
  'RANKS',
  'ORDER',
  'MAX_FAILED',
  'ON_ALERT',
])
export type SettingName = (typeof SETTING_NAMES)[number]

/** `data-source` of DATA_SOURCE. */
export function flagName(name: SettingName): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** Settings that every site shares; those that depend on the machine are filled in settings.ts. */
export const BUILT_IN: RawSettings = {
  BACKEND: 'auto',
  CANDLE_DATA_DIR: './out',
  BENCHMARK_TIMEOUT: '-1',
  LEASE: '5,30,120',
  QUEUE: '',
  WALLTIME: '',
  PROJECT: '',
  RANKS: 'tile',
  ORDER: 'upf',
  MAX_FAILED: '-1',
  ON_ALERT: '',
}

/** Sites known by name. */
export const SITES: Readonly<Record<string, RawSettings>> = {
  local: { PROCS: '2' },
  aurora: { PROCS: '24', PPN: '12', THREADS: '8', QUEUE: 'debug-scaling', WALLTIME: '0:30:00' },
  polaris: { PROCS: '8', PPN: '4', THREADS: '8', QUEUE: 'debug', WALLTIME: '0:30:00' },
  slurm: { PROCS: '2', PPN: '1', THREADS: '8' },
}
