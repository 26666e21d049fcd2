import { runId } from '../../src/base/ids.js'
import type { PlannedRun } from '../../src/experiment/plan.js'
import type { NetworkSettings } from './network.js'
import { Random } from './random.js'

/** What one seed plays: the sweep, the machine it runs on, and the faults it meets. */
export interface Scenario {
  readonly runs: readonly Script[]
  readonly ranks: number
  /** Ranks that share a node. */
  readonly perNode: number
  /** Slots of each agent. */
  readonly slots: number
  readonly lease: readonly [beat: number, suspect: number, lost: number]
  /** Our own launcher: it tells of exits and starts ranks again; agents end with their leader. */
  readonly lifeline: boolean
  readonly prefetch: number
  readonly maxFailed: number
  /** Seconds of the first job; Infinity: no limit. */
  readonly walltime: number
  readonly network: NetworkSettings
  /** Nodes where everything fails. */
  readonly badNodes: ReadonlySet<number>
  /** Ranks that never start, and seconds after which the others do. */
  readonly absent: ReadonlySet<number>
  readonly startSeconds: number
  /** Seconds between two faults of a kind, on average. */
  readonly faults: ReadonlyMap<Fault, number>
  /** Nothing happens after this time. */
  readonly calmFrom: number
}

/** What a RUN does, whoever runs it. */
export interface Script {
  readonly plan: PlannedRun
  readonly epochs: number
  readonly epochSeconds: number
  /** What goes wrong at the begin of an epoch, so many times. */
  readonly bad: Bad | undefined
}

export interface Bad {
  readonly how: 'failed' | 'no-marker' | 'crashed' | 'out-of-memory' | 'hung' | 'bad-data'
  readonly epoch: number
  readonly times: number
}

export const FAULTS = [
  'kill-executor',
  'stop-executor',
  'kill-agent',
  'stop-agent',
  'term-agent',
  'kill-node',
  'stop-node',
  'kill-leader',
  'stop-leader',
  'two-leaders',
  'break',
  'partition',
  'freeze-disk',
  'fail-journal',
  'fail-markers',
  'damage-journal',
  'twin',
  'fail-opening',
] as const
export type Fault = (typeof FAULTS)[number]

const LEASES = [
  [5, 30, 120],
  [1, 5, 15],
  [2, 10, 40],
] as const

/** RUNs per sweep, seconds per epoch. */
const SIZES: readonly Size[] = [
  { runs: [5, 30], epochs: [1, 6], seconds: [1, 40] },
  { runs: [10, 60], epochs: [0, 3], seconds: [0.05, 5] },
  { runs: [40, 200], epochs: [0, 1], seconds: [0.001, 0.02] },
]

interface Size {
  readonly runs: readonly [from: number, to: number]
  readonly epochs: readonly [from: number, to: number]
  readonly seconds: readonly [from: number, to: number]
}

export function drawScenario(seed: number): Scenario {
  const random = new Random(seed, 0)
  const size = random.pick(SIZES)
  const ranks = random.chance(0.05) ? random.int(13, 40) : random.int(2, 10)
  const isNode = random.chance(0.3)
  const perNode = isNode ? 1 : random.int(1, Math.min(4, ranks))
  const nodes = Math.ceil(ranks / perNode)
  const calmFrom = random.between(50, 300)
  const badShare = random.chance(0.5) ? 0 : random.between(0, 0.4)
  const faults = new Map<Fault, number>()
  const busy = random.between(0, 0.5)
  for (const fault of FAULTS)
    if (random.chance(busy)) faults.set(fault, random.logBetween(10, 300) * RARE[fault])
  return {
    runs: Array.from({ length: random.int(...size.runs) }, (_, n) =>
      drawScript(random, n, size, badShare),
    ),
    ranks,
    perNode,
    slots: isNode ? random.int(2, 6) : 1,
    lease: random.pick(LEASES),
    lifeline: random.chance(0.3),
    prefetch: random.chance(0.2) ? 1 : 64,
    maxFailed: random.chance(0.05) ? random.int(0, 3) : Infinity,
    walltime: random.chance(0.15) ? random.between(60, 400) : Infinity,
    network: {
      delay: random.chance(0.05) ? [0.5, 5] : [0.0002, random.logBetween(0.001, 0.3)],
      loss: random.chance(0.15) ? random.between(0, 0.3) : 0,
      codec: random.chance(0.2),
    },
    badNodes: new Set(nodes > 1 && random.chance(0.15) ? [random.int(0, nodes - 1)] : []),
    absent: new Set(ranks > 2 && random.chance(0.1) ? [random.int(0, ranks - 1)] : []),
    startSeconds: random.chance(0.1) ? 100 : random.logBetween(0.1, 5),
    faults,
    calmFrom,
  }
}

/** How much rarer than the others. */
const RARE: Readonly<Record<Fault, number>> = {
  'kill-executor': 1,
  'stop-executor': 2,
  'kill-agent': 2,
  'stop-agent': 2,
  'term-agent': 5,
  'kill-node': 5,
  'stop-node': 5,
  'kill-leader': 4,
  'stop-leader': 4,
  'two-leaders': 6,
  break: 1,
  partition: 2,
  'freeze-disk': 4,
  'fail-journal': 4,
  'fail-markers': 4,
  'damage-journal': 4,
  twin: 6,
  'fail-opening': 4,
}

function drawScript(random: Random, n: number, size: Size, badShare: number): Script {
  const epochs = random.int(...size.epochs)
  const epochSeconds = random.logBetween(...size.seconds)
  const how = random.pick([
    'failed',
    'no-marker',
    'crashed',
    'out-of-memory',
    'hung',
    'bad-data',
  ] as const)
  const bad = random.chance(badShare)
    ? {
        // what makes data wrong for one RUN is there from its first attempt on
        how: how === 'bad-data' && random.chance(0.7) ? ('failed' as const) : how,
        epoch: random.int(0, epochs),
        times: random.chance(0.5) ? Infinity : random.int(1, 3),
      }
    : undefined
  const run = runId(`R${n}`)!
  return {
    plan: {
      run,
      line: n + 1,
      params: { seed: n },
      origins: {},
      resolved: {},
      retries: random.int(0, 2),
      timeout: bad?.how === 'hung' || random.chance(0.05) ? 20 + 3 * epochs * epochSeconds : -1,
      memory: random.chance(0.2) ? 1000 : -1,
      digest: `d${n}`,
    },
    epochs,
    epochSeconds,
    bad,
  }
}
