import t from 'tap'
import { detectPlace } from '../../src/sites/detect.js'
import { SITES } from '../../src/sites/builtin.js'
import { checkSettings, mergeSettings } from '../../src/sites/settings.js'
import { ranksHere, ranksOfNode, tileEnvironment, tileOf } from '../../src/sites/tiles.js'

const tilesOf = (site: string) => SITES[site]?.TILES ?? ''

const pals = (rank: number, local: number) =>
  tileOf(rank, detectPlace({ PALS_RANKID: String(rank), PALS_LOCAL_RANKID: String(local) }))

t.test('the leader takes no tile of its node', async t => {
  t.strictSame(
    [pals(1, 1), pals(11, 11), pals(12, 0), pals(23, 11), pals(24, 0)],
    [0, 10, 0, 11, 0],
  )
  const slurm = { SLURM_STEP_ID: '0', SLURM_PROCID: '5', SLURM_LOCALID: '1' }
  t.equal(tileOf(5, detectPlace(slurm)), 1)
  t.equal(tileOf(3, undefined), 2, 'our own launcher has one machine')
})

t.test('a worker sees its own tile alone', async t => {
  const aurora = (tile: number) => tileEnvironment(tilesOf('aurora'), tile, {})
  const mask = (tile: number) => aurora(tile)['ZE_AFFINITY_MASK']
  t.strictSame([0, 1, 2, 11, 12].map(mask), ['0.0', '0.1', '1.0', '5.1', '0.0'])
  t.equal(aurora(0)['ZE_FLAT_DEVICE_HIERARCHY'], 'COMPOSITE')
  t.match(tileEnvironment('ZE_AFFINITY_MASK=0,1', 1, {}), {
    ...{ ZE_FLAT_DEVICE_HIERARCHY: 'FLAT', ZE_AFFINITY_MASK: '1' },
  })
  t.strictSame(tileEnvironment(tilesOf('polaris'), 3, {}), { CUDA_VISIBLE_DEVICES: '3' })
  const given = { CUDA_VISIBLE_DEVICES: '4,5,GPU-7' }
  t.strictSame(tileEnvironment('', 2, given), { CUDA_VISIBLE_DEVICES: 'GPU-7' })
  t.strictSame(
    tileEnvironment('CUDA_VISIBLE_DEVICES=0,1,2,3', 3, given),
    { CUDA_VISIBLE_DEVICES: '4' },
    'shared',
  )
  const amd = { ROCR_VISIBLE_DEVICES: '0,1', CUDA_VISIBLE_DEVICES: '' }
  t.strictSame(tileEnvironment('', 1, amd), { ROCR_VISIBLE_DEVICES: '1' })
  t.strictSame(tileEnvironment('', 0, {}), {}, 'nothing is known of GPUs')
})

t.test(
  'one agent a node: the first node has the leader, too, the last one what is left',
  async t => {
    const of = (PROCS: string, PPN: string) => (node: number) =>
      ranksOfNode(
        node,
        checkSettings(mergeSettings('aurora', {}, { PROCS, PPN, DATA_SOURCE: '.' })),
      )
    const agent = (rank: number, slots: number) => ({ rank, tile: 0, slots })
    const leader = { rank: 0, tile: 0, slots: 0 }
    t.strictSame([0, 1, 2].map(of('30', '12')), [
      [leader, agent(1, 11)],
      [agent(2, 12)],
      [agent(3, 6)],
    ])
    t.strictSame([0, 1].map(of('2', '1')), [[leader], [agent(2, 1)]], 'a node for the leader alone')
  },
)

t.test('on this machine alone PROCS counts leader and workers, whatever serves them', async t => {
  const of = (flags: Record<string, string>) =>
    ranksHere(checkSettings(mergeSettings('local', {}, { ...flags, DATA_SOURCE: '.' })))
  const rank = (rank: number, tile: number, slots: number) => ({ rank, tile, slots })
  const leader = rank(0, 0, 0)
  t.strictSame(of({ PROCS: '3' }), [leader, rank(1, 0, 1), rank(2, 1, 1)])
  for (const PPN of ['1', '2', '12'])
    t.strictSame(of({ PROCS: '4', PPN, RANKS: 'node' }), [leader, rank(1, 0, 3)], PPN)
})
