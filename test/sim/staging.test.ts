import t from 'tap'
import { Random } from './random.js'
import { simulateStaging, type Fault, type Staging } from './staging.js'

const GB = 1e9

/** 16 GB over links of 2 GB/s: one transfer takes 8 s. */
const LARGE: Staging = {
  nodes: 10_624,
  chunks: 128,
  chunkBytes: (16 * GB) / 128,
  rate: 2 * GB,
  tick: 0.5,
}

t.test('10,624 nodes have 16 GB in at most 1.5 times what one transfer takes', async t => {
  const { finished, sent, twice } = simulateStaging(LARGE)
  const last = Math.max(...finished)
  t.ok(last <= 1.5 * 8, `the last after ${last.toFixed(2)} s`)
  t.equal(sent, LARGE.chunks, 'each chunk left the source once')
  t.equal(twice, 0)
})

t.test(
  'of 1,000 nodes twenty die and ten are ten times slower: the others have it all',
  async t => {
    const random = new Random(1, 0)
    const nodes = 1000
    const which = () => random.int(1, nodes)
    const faults = Array.from({ length: 20 }, (): Fault => ({
      time: random.between(0, 7),
      node: which(),
      what: 'die',
    }))
    const slow = new Map(
      Array.from({ length: 10 }, () => [which(), { factor: 10, up: random.chance(0.5) }]),
    )
    const chunks = 256
    const staging = { ...LARGE, nodes, chunks, chunkBytes: (16 * GB) / chunks }
    const { finished, alive } = simulateStaging({ ...staging, faults, slow })
    const lacking = finished.filter((f, n) => Number.isNaN(f) && alive[n])
    t.equal(lacking.length, 0, 'all who live have it all')
    const others = finished.filter((f, n) => !Number.isNaN(f) && !slow.has(n + 1))
    const sorted = others.sort((a, b) => a - b)
    const [half, last] = [sorted[sorted.length >> 1]!, sorted.at(-1)!]
    t.ok(
      half <= 1.75 * 8 && last <= 2.5 * 8,
      `half of them after ${half.toFixed(2)} s, the last after ${last.toFixed(2)}`,
    )
  },
)

t.test('nodes that come late cost the others nothing, and have it all soon after', async t => {
  const random = new Random(2, 0)
  const [nodes, chunks] = [1000, 512]
  const staging = { ...LARGE, nodes, chunks, chunkBytes: (16 * GB) / chunks }
  const late = new Map(Array.from({ length: 500 }, (_, n) => [2 * n + 1, random.between(2, 6)]))
  const alone = Math.max(...simulateStaging({ ...staging, nodes: 500 }).finished)
  const { finished, sent } = simulateStaging({ ...staging, late })
  const last = (is: (n: number) => boolean) => Math.max(...finished.filter((_, n) => is(n + 1)))
  const others = last(n => !late.has(n))
  t.ok(others <= 1.05 * alone, `the others after ${(others / alone).toFixed(2)} of the time`)
  t.ok(last(n => late.has(n)) <= 6 + 1.1 * 8, `the last after ${last(() => true).toFixed(2)} s`)
  t.equal(sent, chunks, 'each chunk left the source once')
})

/** Seven nodes and their source, 512 MB over links of 100 MB/s. */
const SMALL: Staging = { nodes: 7, chunks: 512, chunkBytes: 1 << 20, rate: 1e8, tick: 0.1 }

t.test('a node that is ten times slower delays the others by a tenth at most', async t => {
  const usual = Math.max(...simulateStaging(SMALL).finished)
  for (const up of [true, false])
    for (let id = 1; id <= SMALL.nodes; id++) {
      const slow = new Map([[id, { factor: 10, up }]])
      const { finished } = simulateStaging({ ...SMALL, slow })
      const others = Math.max(...finished.filter((_, n) => n + 1 !== id))
      // one that takes as much as others and gives nothing leaves too little for all
      const bar = up ? 1.6 : 1.1
      t.ok(
        others <= bar * usual,
        `node ${id}, ${up ? 'to send' : 'both ways'}: ${(others / usual).toFixed(2)}`,
      )
    }
})

const SEEDS = 500

t.test(`${SEEDS} seeds: whatever fails, all who live have it all`, async t => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed, 0)
    const nodes = random.int(1, 40)
    const chunks = random.int(1, 80)
    const some = <T>(share: number, value: () => T) =>
      new Map(
        Array.from({ length: nodes }, (_, n) => n + 1)
          .filter(() => random.chance(share))
          .map(n => [n, value()]),
      )
    const had = some(0.2, () => {
      const share = random.next()
      const which = Array.from({ length: chunks }, () => random.chance(share))
      return (chunk: number) => which[chunk]!
    })
    const whats = ['die', 'hang', 'break', 'damage'] as const
    const faults = Array.from({ length: random.int(0, nodes) }, () => ({
      time: random.between(0, (chunks * 0.02) / random.int(1, 10)),
      node: random.int(1, nodes),
      what: random.pick(whats),
    }))
    const slow = some(0.1, () => ({ factor: random.logBetween(2, 100), up: random.chance(0.5) }))
    const late = some(0.2, () => random.between(0, 2))
    const staging = { ...SMALL, nodes, chunks, had, faults, slow, late }
    const { finished, alive } = simulateStaging(staging)
    const lacking = finished.flatMap((f, n) => (Number.isNaN(f) && alive[n] ? [n + 1] : []))
    if (lacking.length > 0) t.fail(`seed ${seed}: nodes ${lacking.join(', ')} lack chunks`)
  }
  t.pass('all seeds played')
})
