import type { Settings } from '../experiment/exp.js'
import { shapeOf } from './launchers.js'

/** What a site's scheduler is called with. */
export interface BatchSite {
  readonly scheduler: 'pbs' | 'slurm'
  /** Of a directive in a script. */
  readonly prefix: 'PBS' | 'SBATCH'
  /** What PBS shall select for a node. */
  readonly chunk?: (settings: Settings) => string
  /** Lines of the shell by which its nodes have PyTorch, where PROLOGUE names no file. */
  readonly prologue: readonly string[]
  /** Settings that the site demands. */
  readonly required: readonly ('PROJECT' | 'QUEUE' | 'WALLTIME' | 'FILESYSTEMS')[]
}

/** Sites where a job script is submitted. */
export const BATCH: Readonly<Record<string, BatchSite | undefined>> = {
  aurora: {
    scheduler: 'pbs',
    prefix: 'PBS',
    chunk: () => 'system=aurora',
    prologue: ['module load frameworks'],
    required: ['PROJECT', 'QUEUE', 'WALLTIME', 'FILESYSTEMS'],
  },
  polaris: {
    scheduler: 'pbs',
    prefix: 'PBS',
    chunk: () => 'system=polaris',
    prologue: ['module use /soft/modulefiles', 'module load conda', 'conda activate'],
    required: ['PROJECT', 'QUEUE', 'WALLTIME', 'FILESYSTEMS'],
  },
  pbs: {
    scheduler: 'pbs',
    prefix: 'PBS',
    chunk: settings => {
      const { perNode, cores } = shapeOf(settings)
      return `ncpus=${perNode * cores}:mpiprocs=${perNode}`
    },
    prologue: [],
    required: [],
  },
  slurm: { scheduler: 'slurm', prefix: 'SBATCH', prologue: [], required: [] },
}
