import { LAUNCHERS } from '../experiment/exp.js'
import type { SettingName } from './builtin.js'

/** What a setting is: for `--help`, for site files and their JSON schema. */
export interface SettingKind {
  readonly describe: string
  /** Least of an integer. */
  readonly least?: number
  readonly choices?: readonly string[]
  /** In a site file it may be a list, too: what stands between its parts as text. */
  readonly between?: string
}

export const SETTING_KINDS: Readonly<Record<SettingName, SettingKind>> = {
  PROCS: { describe: 'ranks, the leader included, ≥ 2', least: 2 },
  PPN: { describe: 'ranks per node', least: 1 },
  THREADS: {
    describe: 'CPU threads of each worker; part of what decides the results',
    least: 1,
  },
  BACKEND: { describe: 'what computes: auto or a name' },
  QUEUE: { describe: 'queue of a batch site' },
  WALLTIME: { describe: 'H:MM:SS, for a batch site' },
  PROJECT: { describe: 'project or account of a batch site' },
  FILESYSTEMS: {
    describe: 'file systems that a PBS job needs, such as home:flare',
    between: ':',
  },
  DIRECTIVES: {
    describe:
      'more directives for the scheduler: --directives="--constraint=gpu; --gpus-per-node=4"',
    between: '; ',
  },
  MODULES: {
    describe: 'modules to load on the nodes: --modules "cuda/12 python"',
    between: ' ',
  },
  PROLOGUE: { describe: 'shell file that the nodes read first, such as environments to activate' },
  LAUNCHER: {
    describe: 'what starts the ranks on several hosts: hydra, openmpi, srun or pals',
    choices: ['', ...LAUNCHERS],
  },
  HOSTS: {
    describe: 'h1,h2 or the path of a host file; without it the hosts of the allocation',
    between: ',',
  },
  LAUNCHER_FLAGS: {
    describe: 'more words for the launcher: --launcher-flags="-launcher ssh"',
    between: ' ',
  },
  INTERFACE: {
    describe: 'network interface of the leader to prefer, such as hsn0; without it any that serves',
  },
  TILES: { describe: 'a device for each worker of a node: CUDA_VISIBLE_DEVICES=0,1,2,3' },
  CPUS: { describe: 'cores for each worker of a node: 1-8:9-16', between: ':' },
  QUEUES: {
    describe: 'what the queues take: "debug 1-2 0:30:00; gpu 1-16 48:00:00"',
    between: '; ',
  },
  DATA_SOURCE: { describe: 'folder with the Parquet files' },
  CANDLE_DATA_DIR: { describe: 'folder where EXPs are made' },
  TMP_ROOT: { describe: 'node-local folder for staged data' },
  BENCHMARK_TIMEOUT: { describe: 'seconds for one attempt of a RUN, -1 none', least: -1 },
  LEASE: { describe: 'beat,suspect,lost in seconds', between: ',' },
  RANKS: {
    describe: 'tile: one agent a worker; node: one a node, for all its workers',
    choices: ['tile', 'node'],
  },
  ORDER: {
    describe: 'upf: as in the UPF; longest: longest RUN first, by past epochs',
    choices: ['upf', 'longest'],
  },
  MAX_FAILED: {
    describe: 'stop the sweep when more RUNs than this have failed, -1 never',
    least: -1,
  },
  ENV: { describe: 'runtime image that ranks start from: a name, or none (UPF_HEDS_ENV)' },
  ENV_DIR: { describe: 'folder of runtime images (UPF_HEDS_ENV_DIR)' },
  ON_ALERT: { describe: "program to call at each alert; its one argument is the alert's text" },
}
