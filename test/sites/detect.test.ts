import t from 'tap'
import { childEnvironment, detectPlace } from '../../src/sites/detect.js'

t.test('each launcher is known by its own variables', async t => {
  for (const [env, wanted] of [
    [
      { PALS_RANKID: '3', PMI_SIZE: '8', PMI_RANK: '9' },
      { launcher: 'PALS', rank: 3, size: 8, local: undefined },
    ],
    [{ PALS_RANKID: '3' }, { launcher: 'PALS', rank: 3, size: undefined, local: undefined }],
    [
      { PALS_RANKID: '3', SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '6', SLURM_LOCALID: '1' },
      { launcher: 'PALS', rank: 3, size: 6, local: 1 }, // srun --mpi=cray_shasta
    ],
    [
      { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', PMIX_RANK: '1' },
      { launcher: 'Open MPI', rank: 1, size: 4, local: undefined },
    ],
    [
      { SLURM_STEP_ID: '0', SLURM_PROCID: '2', SLURM_NTASKS: '6' },
      { launcher: 'Slurm', rank: 2, size: 6, local: undefined },
    ],
    [
      { PMI_RANK: '5', PMI_SIZE: '6' },
      { launcher: 'PMI', rank: 5, size: 6, local: undefined },
    ],
    [{ PMIX_RANK: '1' }, { launcher: 'PMIx', rank: 1, size: undefined, local: undefined }],
  ] as const)
    t.strictSame(detectPlace(env), wanted)
})

t.test(
  'a batch shell is no rank, nor is a plain shell; a rank that is no number is refused',
  async t => {
    t.equal(detectPlace({ SLURM_PROCID: '0', SLURM_NTASKS: '6' }), undefined)
    t.equal(detectPlace({ HOME: '/' }), undefined)
    t.throws(() => detectPlace({ PMI_RANK: 'x' }), /PMI gave the rank "x"/)
  },
)

t.test('children see neither their parent’s rank nor a proxy', async t => {
  t.strictSame(
    childEnvironment({
      PATH: '/bin',
      PMI_RANK: '1',
      PALS_LOCAL_RANKID: '1',
      OMPI_COMM_WORLD_RANK: '1',
      SLURM_PROCID: '1',
      SLURM_JOB_ID: '7',
      https_proxy: 'p',
      NO_PROXY: 'q',
    }),
    { PATH: '/bin', SLURM_JOB_ID: '7' },
  )
})
