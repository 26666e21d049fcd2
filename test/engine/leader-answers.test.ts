import t from 'tap'
import type { Effect, Leader } from '../../src/engine/leader-state.js'
import { onGone, onMessage } from '../../src/engine/leader.js'
import type { FromAgent } from '../../src/engine/protocol.js'
import { READY, ended, id, join, known, newRig } from './leader-rig.js'

// Answers said again, late or by another: what the leader knows of a RUN must not change by them.

const A = '1-aaaa'
const B = '2-bbbb'

/** A leader of `runs` RUNs, and agents that asked for one each. */
function begun(runs: number, agents = [A, B]): Leader {
  const leader = newRig(runs)
  for (const [n, who] of agents.entries()) join(leader, who, n + 1)
  return leader
}

/** One RUN that failed once and is run by A again. */
function again(): Leader {
  const leader = begun(1, [A])
  onMessage(leader, A, ended(0, 1, 'failed'), 1)
  onMessage(leader, A, READY, 1)
  return leader
}

const kinds = (effects: readonly Effect[]): string[] =>
  effects.flatMap((e): string[] =>
    e.do === 'send'
      ? [`${e.message.type} to ${e.to}`]
      : e.do === 'settled'
        ? kinds(e.then).map(then => `settled: ${then}`)
        : [e.do],
  )

t.test(
  'an "ended" said again while the next attempt runs is acked when all is durable and counts nothing',
  async t => {
    const l = again()
    const before = known(l, 0)
    t.match(before, { state: 'running', attempt: 2, agent: A, tally: { failures: 1 } })
    t.strictSame(kinds(onMessage(l, A, ended(0, 1, 'failed'), 2)), [`settled: ack to ${A}`])
    t.strictSame(known(l, 0), before)
  },
)

t.test(
  'an "ended" by an agent that does not run it is acked when all is durable and counts nothing',
  async t => {
    const l = begun(2)
    const before = known(l, 0)
    t.equal(before.agent, A)
    t.strictSame(kinds(onMessage(l, B, ended(0, 1, 'failed'), 1)), [`settled: ack to ${B}`])
    t.strictSame(known(l, 0), before)
  },
)

t.test('progress of an attempt that was given up is not shown', async t => {
  const l = again()
  const progress = { phase: 'train', epoch: 9 } as const
  const late: FromAgent = { type: 'progress', run: id(0), attempt: 1, progress }
  t.strictSame(kinds(onMessage(l, A, late, 2)), [])
  t.equal(known(l, 0).progress, undefined)
  t.strictSame(kinds(onMessage(l, A, { ...late, attempt: 2 }, 2)), ['changed'])
  t.match(known(l, 0).progress, progress)
})

t.test(
  'an answer of a RUN that nobody knows is acked when all is durable and changes nothing',
  async t => {
    const l = begun(2)
    const before = [known(l, 0), known(l, 1)]
    t.strictSame(kinds(onMessage(l, A, ended(7, 1, 'failed'), 1)), [`settled: ack to ${A}`])
    t.strictSame([known(l, 0), known(l, 1)], before)
  },
)

t.test('an agent that dies after it said an old "ended" again gives its RUN back', async t => {
  const l = again()
  onMessage(l, A, ended(0, 1, 'failed'), 2) // the ack of attempt 1 waits for the journal
  onGone(l, A, 'died of SIGKILL')
  t.match(known(l, 0), { state: 'waiting', attempt: 2, agent: undefined })
})
