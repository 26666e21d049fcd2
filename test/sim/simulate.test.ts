import t from 'tap'
import type { RunId } from '../../src/base/ids.js'
import type { Effect } from '../../src/engine/leader-state.js'
import { onMessage, onTick } from '../../src/engine/leader.js'
import type { Machine } from './leader.js'
import { drawScenario, type Scenario } from './scenario.js'
import { simulate, traceOf } from './simulate.js'

const SEEDS = 2000

t.test(`${SEEDS} seeds: whatever happens, every RUN has one true end`, async t => {
  let leaders = 0
  for (let seed = 1; seed <= SEEDS; seed++) leaders += simulate(seed).leaders
  t.ok(leaders > SEEDS, `${leaders} leaders lived`)
})

t.test('a seed is played the same each time', async t => {
  for (const seed of [3, 11, 345]) t.strictSame(simulate(seed), simulate(seed))
  t.strictSame(traceOf(11), traceOf(11))
  t.not(simulate(3).hash, simulate(11).hash)
})

/** Ten thousand ranks, some of which die, and a leader that dies. */
function large(scenario: Scenario): Scenario {
  const { plan } = scenario.runs[0]!
  return {
    ...scenario,
    runs: Array.from({ length: 15_000 }, (_, n) => ({
      plan: { ...plan, run: `R${n}` as RunId, retries: 1, timeout: -1 },
      epochs: 1,
      epochSeconds: 2 + (n % 7),
      bad: n % 1000 === 0 ? ({ how: 'crashed', epoch: 0, times: 1 } as const) : undefined,
    })),
    ranks: 10_000,
    perNode: 12,
    slots: 1,
    lease: [5, 30, 120],
    lifeline: false,
    startSeconds: 5,
    faults: new Map([
      ['kill-agent', 1],
      ['kill-node', 5],
      ['break', 0.2],
      ['kill-leader', 15],
    ]),
    calmFrom: 25,
  }
}

t.test('10,000 ranks', async t => {
  const { leaders, seconds } = simulate(1, {}, large)
  t.ok(leaders > 1, 'a leader died')
  t.ok(seconds < 600, `${seconds} virtual seconds`)
})

/** A world without faults, in which only what a test breaks can be wrong. */
function calm(scenario: Scenario): Scenario {
  return {
    ...scenario,
    faults: new Map(),
    badNodes: new Set(),
    absent: new Set(),
    walltime: Infinity,
    maxFailed: Infinity,
    network: { delay: [0.001, 0.01], loss: 0, codec: false },
  }
}

t.test('a node where everything fails costs no RUN', async t => {
  const bad = (scenario: Scenario): Scenario => ({
    ...calm(scenario),
    runs: scenario.runs.map(({ plan, ...script }) => ({
      ...script,
      plan: { ...plan, retries: 1, timeout: -1 },
      bad: undefined,
    })),
    ranks: 4,
    perNode: 1,
    startSeconds: 0.1,
    badNodes: new Set([1]),
  })
  for (let seed = 1; seed <= 50; seed++) t.match(simulate(seed, {}, bad), { failed: 0 })
})

/** A seed of whose RUNs some fail. */
const SEED = Array.from({ length: 100 }, (_, seed) => seed).find(seed =>
  drawScenario(seed).runs.some(r => r.bad?.how === 'failed' && r.plan.retries > 0),
)!

/** What the simulator says of a leader whose answer to messages is spoilt. */
function spoilt(
  spoil: (message: Parameters<Machine['onMessage']>[2], good: () => Effect[]) => Effect[],
): () => unknown {
  const machine: Partial<Machine> = {
    onMessage: (leader, from, message, now) =>
      spoil(message, () => onMessage(leader, from, message, now)).map(effect =>
        effect.do === 'send' && effect.to === '' ? { ...effect, to: from } : effect,
      ),
  }
  return () => simulate(SEED, { machine }, calm)
}

t.test('the simulator finds what is broken', async t => {
  t.doesNotThrow(
    spoilt((_, good) => good()),
    'nothing is broken',
  )
  t.throws(
    spoilt((message, good) =>
      message.type === 'done'
        ? [{ do: 'send', to: '', message: { ...message, type: 'ack' } }, ...good()]
        : good(),
    ),
    { message: new RegExp(`seed ${SEED}: R\\d+: "done" acked before it is durable`) },
  )
  t.throws(
    spoilt((_, good) =>
      good().flatMap(effect =>
        effect.do === 'journal' && effect.record.type === 'finished' ? [effect, effect] : [effect],
      ),
    ),
    { message: /accepted twice/ },
  )
  t.throws(
    spoilt((message, good) =>
      message.type === 'ended'
        ? [{ do: 'send', to: '', message: { ...message, type: 'ack' } }]
        : good(),
    ),
    { message: /"ended" \(.*\) of attempt 1 acked and lost[^]*replay: node scripts\/simulate.mjs/ },
  )
  t.throws(
    spoilt((message, good) =>
      good().map(effect =>
        message.type === 'ended' && effect.do === 'journal' && effect.record.type === 'ended'
          ? { ...effect, record: { ...effect.record, fate: 'crashed' } }
          : effect,
      ),
    ),
    { message: /did not end as crashed/ },
  )
})

t.test('an agent that dies and is not missed is found', async t => {
  const dead = (scenario: Scenario): Scenario => ({
    ...calm(scenario),
    lifeline: false,
    faults: new Map([['kill-node', 5]]),
    calmFrom: 60,
  })
  const machine: Partial<Machine> = {
    onTick: (leader, now) => {
      for (const agent of leader.agents.values()) agent.heard = now
      return onTick(leader, now)
    },
  }
  t.throws(() => simulate(SEED, { machine }, dead), { message: /no end after/ })
})
