import { HedError } from '../base/errors.js'

/** Place of this process in its job, and who said so. */
export interface Place {
  readonly rank: number
  /** Undefined where the launcher does not tell: pass --size. */
  readonly size: number | undefined
  /** Place among the ranks of its node, from 0; undefined where the launcher does not tell. */
  readonly local: number | undefined
  readonly launcher: 'PALS' | 'Open MPI' | 'Slurm' | 'PMI' | 'PMIx'
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The launcher's own variables, the most telling first. A batch shell has SLURM_PROCID without being a
 * rank: only a step (SLURM_STEP_ID) counts.
 */
export function detectPlace(env: Environment): Place | undefined {
  const { SLURM_STEP_NUM_TASKS: tasks, SLURM_NTASKS: all } = env
  const found = (
    [
      // Slurm's own plugin for PALS (`--mpi=cray_shasta`) leaves the size, and the local rank, to Slurm
      ['PALS', 'PALS_RANKID', env['PALS_SIZE'] ?? env['PMI_SIZE'] ?? tasks, 'PALS_LOCAL_RANKID'],
      [
        'Open MPI',
        'OMPI_COMM_WORLD_RANK',
        env['OMPI_COMM_WORLD_SIZE'],
        'OMPI_COMM_WORLD_LOCAL_RANK',
      ],
      ['Slurm', 'SLURM_PROCID', tasks ?? all, 'SLURM_LOCALID'],
      ['PMI', 'PMI_RANK', env['PMI_SIZE'], 'MPI_LOCALRANKID'],
      ['PMIx', 'PMIX_RANK', undefined, ''],
    ] as const
  ).find(
    ([launcher, rank]) =>
      env[rank] !== undefined && (launcher !== 'Slurm' || env['SLURM_STEP_ID'] !== undefined),
  )
  if (!found) return undefined
  const [launcher, rank, size, local] = found
  return {
    launcher,
    rank: numberOf(launcher, env[rank]!),
    size: size === undefined ? undefined : Number(size),
    local: localOf(launcher, env, local),
  }
}

/** Variables that tell a rank its place, and proxies, must not reach its children. */
const PRIVATE =
  /^(PALS_|OMPI_|PMIX?_|SLURM_(PROCID|LOCALID|GTIDS|STEP_|NODEID|TASK_)|HYDI?_|MPI_LOCAL)/
const PROXY = /^(https?|all|ftp|no)_proxy$/i

/** The environment for executors and other children. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !PRIVATE.test(name) && !PROXY.test(name)),
  )
}

function localOf(launcher: Place['launcher'], env: Environment, name: string): number | undefined {
  const found = env[name] ?? (launcher === 'PALS' ? env['SLURM_LOCALID'] : undefined)
  return found === undefined ? undefined : numberOf(launcher, found)
}

function numberOf(launcher: Place['launcher'], text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new HedError('PROTOCOL', `${launcher} gave the rank ${JSON.stringify(text)}`)
  return value
}
