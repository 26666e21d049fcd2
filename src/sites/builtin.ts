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
  'FILESYSTEMS',
  'DIRECTIVES',
  'MODULES',
  'PROLOGUE',
  'LAUNCHER',
  'HOSTS',
  'LAUNCHER_FLAGS',
  'INTERFACE',
  'TILES',
  'CPUS',
  'QUEUES',
  'DATA_SOURCE',
  'CANDLE_DATA_DIR',
  'TMP_ROOT',
  'BENCHMARK_TIMEOUT',
  'LEASE',
  'RANKS',
  'ORDER',
  'MAX_FAILED',
  'ON_ALERT',
  'ENV',
  'ENV_DIR',
] as const
/** Of these only the flag counts: such words in an environment may mean anything. */
export const FLAG_ONLY: ReadonlySet<SettingName> = new Set([
  'RANKS',
  'ORDER',
  'MAX_FAILED',
  'ON_ALERT',
  'FILESYSTEMS',
  'DIRECTIVES',
  'MODULES',
  'PROLOGUE',
  'LAUNCHER',
  'HOSTS',
  'LAUNCHER_FLAGS',
  'INTERFACE',
  'TILES',
  'CPUS',
  'QUEUES',
])
/** Of these the environment has another name: shells and their modules use ENV for themselves. */
const VARIABLES: Readonly<Partial<Record<SettingName, string>>> = {
  ENV: 'UPF_HEDS_ENV',
  ENV_DIR: 'UPF_HEDS_ENV_DIR',
}
export type SettingName = (typeof SETTING_NAMES)[number]

/** `data-source` of DATA_SOURCE. */
export function flagName(name: SettingName): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** Variable of the environment that gives a setting. */
export function variableName(name: SettingName): string {
  return VARIABLES[name] ?? name
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
  FILESYSTEMS: '',
  DIRECTIVES: '',
  MODULES: '',
  PROLOGUE: '',
  LAUNCHER: '',
  HOSTS: '',
  LAUNCHER_FLAGS: '',
  INTERFACE: '',
  TILES: '',
  CPUS: '',
  QUEUES: '',
  RANKS: 'tile',
  ORDER: 'upf',
  MAX_FAILED: '-1',
  ON_ALERT: '',
  ENV: '',
}

/** Two of each of six GPUs. @see docs.alcf.anl.gov, Aurora: machine overview */
const AURORA_TILES = [0, 1, 2, 3, 4, 5].flatMap(gpu => [`${gpu}.0`, `${gpu}.1`]).join(',')
/**
 * Eight cores for each tile, on the socket that it hangs on; the first core of each socket is the system's.
 * @see docs.alcf.anl.gov, running jobs on Aurora
 */
const AURORA_CPUS = [1, 53]
  .flatMap(first => [0, 1, 2, 3, 4, 5].map(tile => first + tile * 8))
  .map(first => `${first}-${first + 7}`)
  .join(':')

/** What their queues take. @see docs.alcf.anl.gov, running jobs on Aurora and on Polaris (2026-08) */
const AURORA_QUEUES = [
  'debug 1-2 1:00:00',
  'debug-scaling 2-256 1:00:00',
  // routed by size to small, medium and large, which take no jobs themselves
  ...['prod 256-1024 12:00:00', 'prod 1025-1999 18:00:00', 'prod 2000-10624 24:00:00'],
  'capacity 1-16 168:00:00',
  'visualization 1-32 8:00:00',
].join('; ')
const POLARIS_QUEUES = [
  'debug 1-2 1:00:00',
  'debug-scaling 1-10 1:00:00',
  ...['prod 10-24 3:00:00', 'prod 25-99 6:00:00', 'prod 100-496 24:00:00'],
  'preemptable 1-10 72:00:00',
  'capacity 1-4 168:00:00',
].join('; ')

/** Sites known by name. */
export const SITES: Readonly<Record<string, RawSettings>> = {
  local: { PROCS: '2' },
  aurora: {
    PROCS: '24',
    PPN: '12',
    THREADS: '8',
    BACKEND: 'torch:xpu',
    LAUNCHER: 'pals',
    INTERFACE: 'hsn0',
    TILES: `ZE_AFFINITY_MASK=${AURORA_TILES}`,
    CPUS: AURORA_CPUS,
    QUEUES: AURORA_QUEUES,
    QUEUE: 'debug-scaling',
    WALLTIME: '0:30:00',
    FILESYSTEMS: 'home:flare',
  },
  polaris: {
    PROCS: '8',
    PPN: '4',
    THREADS: '8',
    BACKEND: 'torch:cuda',
    LAUNCHER: 'pals',
    INTERFACE: 'hsn0',
    TILES: 'CUDA_VISIBLE_DEVICES=0,1,2,3',
    QUEUES: POLARIS_QUEUES,
    QUEUE: 'debug',
    WALLTIME: '0:30:00',
    FILESYSTEMS: 'home:grand:eagle',
  },
  pbs: { PROCS: '2', PPN: '1', THREADS: '8', LAUNCHER: 'hydra' },
  slurm: { PROCS: '2', PPN: '1', THREADS: '8', LAUNCHER: 'srun' },
}
