import { HedError } from '../base/errors.js'

/** Place of this process in its job, and who said so. */
export interface Place {
  readonly rank: number
  /** Undefined where the launcher does not tell: pass --size. */
  readonly size: number | undefined
  readonly launcher: 'PALS' | 'Open MPI' | 'Slurm' | 'PMI' | 'PMIx'
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The launcher's own variables, the most telling first. A batch shell has SLURM_PROCID without being a
 * rank: only a step (SLURM_STEP_ID) counts.
 */
export function detectPlace(env: Environment): Place | undefined {
  if (env['PALS_RANKID'] !== undefined)
    return place('PALS', env['PALS_RANKID'], env['PALS_SIZE'] ?? env['PMI_SIZE'])
  if (env['OMPI_COMM_WORLD_RANK'] !== undefined)
    return place('Open MPI', env['OMPI_COMM_WORLD_RANK'], env['OMPI_COMM_WORLD_SIZE'])
  if (env['SLURM_STEP_ID'] !== undefined && env['SLURM_PROCID'] !== undefined)
    return place('Slurm', env['SLURM_PROCID'], env['SLURM_STEP_NUM_TASKS'] ?? env['SLURM_NTASKS'])
  if (env['PMI_RANK'] !== undefined) return place('PMI', env['PMI_RANK'], env['PMI_SIZE'])
  if (env['PMIX_RANK'] !== undefined) return place('PMIx', env['PMIX_RANK'], undefined)
  return undefined
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

function place(launcher: Place['launcher'], rank: string, size: string | undefined): Place {
  const value = Number(rank)
  if (!Number.isInteger(value) || value < 0)
    throw new HedError('PROTOCOL', `${launcher} gave the rank ${JSON.stringify(rank)}`)
  return { launcher, rank: value, size: size === undefined ? undefined : Number(size) }
}
