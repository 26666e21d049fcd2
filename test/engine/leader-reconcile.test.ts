import t from 'tap'
import type { Effect, Leader } from '../../src/engine/leader-state.js'
import { onMessage, onTick } from '../../src/engine/leader.js'
import { onStop } from '../../src/engine/stop.js'
import { PROTOCOL, type FromAgent, type Held } from '../../src/engine/protocol.js'
import {
  IDLE_BEAT,
  READY,
  busyBeat,
  done,
  ended,
  given,
  id,
  join,
  known,
  newRig,
} from './leader-rig.js'

// What was lost on the way is said again, and what an earlier leader gave out is not given out twice.

const A = '1-aaaa'
const B = '2-bbbb'

/** Hello of an agent that outlived its leader. */
function back(rank: number, held: readonly Held[]): FromAgent {
  const place = { rank, host: 'h', node: `n${rank}`, pid: rank, slots: 1 }
  return { type: 'hello', protocol: PROTOCOL, ...place, held, phase: 'open' }
}

const holding = (n: number, attempt: number): Held => ({ slot: 0, run: id(n), attempt })
const sent = (effects: readonly Effect[], to: string) =>
  effects.flatMap(e => (e.do === 'send' && e.to === to ? [e.message] : []))
const cancelled = (effects: readonly Effect[], to: string) =>
  sent(effects, to).some(m => m.type === 'cancel')

t.test('an order that did not arrive is said again, as the same attempt', async t => {
  const l = newRig(1)
  join(l, A, 1)
  t.strictSame(given(onMessage(l, A, IDLE_BEAT, 5)), [], 'it may still be on its way')
  t.match(
    sent(onMessage(l, A, IDLE_BEAT, 11), A).find(m => m.type === 'run'),
    { slot: 0, order: { run: id(0), attempt: 1 } },
  )
  t.match(known(l, 0), { state: 'running', attempt: 1, agent: A })
  t.strictSame(given(onMessage(l, A, busyBeat(0, 1), 16)), [], 'now it has it')
})

t.test('a "ready" that did not arrive is no reason to wait', async t => {
  const l = newRig(2)
  join(l, A, 1)
  onMessage(l, A, done(0, 1), 1)
  t.strictSame(given(onMessage(l, A, IDLE_BEAT, 5)), [A])
})

t.test('an agent is told to leave a RUN that is not its own', async t => {
  const l = newRig(2)
  join(l, A, 1)
  join(l, B, 2)
  t.notOk(cancelled(onMessage(l, A, busyBeat(0, 1), 5), A))
  t.ok(cancelled(onMessage(l, A, busyBeat(1, 1), 5), A), 'B has it')
  t.ok(cancelled(onMessage(l, A, busyBeat(0, 2), 5), A), 'another attempt')
  t.ok(cancelled(onMessage(l, A, busyBeat(7, 1), 5), A), 'no RUN of ours')
})

t.test('a RUN of an earlier leader waits for its agent, which goes on with it', async t => {
  const l = newRig(1, { orphans: [[0, 3]] })
  t.strictSame(given(join(l, B, 2)), [], 'not given to another')
  const effects = onMessage(l, A, back(1, [holding(0, 3)]), 1)
  t.match(
    sent(effects, A).find(m => m.type === 'welcome'),
    { keep: [holding(0, 3)] },
  )
  t.match(known(l, 0), { state: 'running', attempt: 3, agent: A })
  onMessage(l, A, ended(0, 3, 'failed'), 2)
  t.match(known(l, 0), { attempt: 4, agent: B, tally: { failures: 1 } })
})

t.test('an attempt that is not the last one is not adopted', async t => {
  const l = newRig(1, { orphans: [[0, 3]] })
  const effects = onMessage(l, A, back(1, [holding(0, 2)]), 1)
  t.match(
    sent(effects, A).find(m => m.type === 'welcome'),
    { keep: [] },
  )
  t.equal(known(l, 0).agent, undefined)
})

t.test('nor is a RUN that was given out again by then', async t => {
  const l = newRig(1, { orphans: [[0, 1]] })
  lose(l)
  t.match(known(l, 0), { state: 'running', attempt: 2, agent: B })
  const effects = onMessage(l, A, back(1, [holding(0, 1)]), 122)
  t.match(
    sent(effects, A).find(m => m.type === 'welcome'),
    { keep: [] },
  )
  t.match(known(l, 0), { state: 'running', attempt: 2, agent: B })
})

/** B is there all the time; nobody comes for the orphan. */
function lose(l: Leader): void {
  join(l, B, 2)
  onMessage(l, B, IDLE_BEAT, 100)
  onTick(l, 120)
  onTick(l, 121)
}

t.test('a RUN whose agent does not come back is given out after its lease', async t => {
  const l = newRig(1, { orphans: [[0, 1]] })
  join(l, B, 2)
  onMessage(l, B, IDLE_BEAT, 100)
  t.strictSame(given(onTick(l, 120)), [])
  t.strictSame(given(onTick(l, 121)), [B])
  t.match(known(l, 0), { attempt: 2, tally: { losses: 1 } })
})

t.test('an attempt that ended while there was no leader counts when its agent tells', async t => {
  const l = newRig(1, { orphans: [[0, 1]] })
  onMessage(l, A, back(1, []), 1) // its "ended" was never acked, so it says it again now
  onMessage(l, A, ended(0, 1, 'failed'), 1)
  onMessage(l, A, READY, 1)
  t.match(known(l, 0), { state: 'running', attempt: 2, agent: A, tally: { failures: 1 } })
})

t.test('so does one whose agent has not been able to say hello', async t => {
  const l = newRig(1, { orphans: [[0, 1]] })
  onMessage(l, A, ended(0, 1, 'failed'), 1)
  t.match(known(l, 0), { state: 'waiting', attempt: 1, tally: { failures: 1 } })
})

t.test('an order that did not arrive before a stop is said again: it must come back', async t => {
  const l = newRig(1)
  join(l, A, 1)
  onStop(l, 'stopped', 'more than 0 RUNs failed')
  t.ok(given(onMessage(l, A, IDLE_BEAT, 11)).includes(A))
  const last = onMessage(l, A, ended(0, 1, 'stopped'), 12)
  t.ok(last.some(e => e.do === 'over'))
})

t.test('who was told to stage and does not know of it is told again', async t => {
  const l = newRig(1)
  const hello = (rank: number) => ({ ...back(rank, []), node: 'n', phase: 'closed' }) as FromAgent
  const beat: FromAgent = { ...IDLE_BEAT, inventory: { phase: 'closed', held: [], idle: [] } }
  const told = (effects: readonly Effect[], who: string) => sent(effects, who).map(m => m.type)
  t.ok(told(onMessage(l, A, hello(1), 0), A).includes('stage'))
  t.notOk(told(onMessage(l, B, hello(2), 0), B).includes('stage'))
  t.notOk(told(onMessage(l, B, beat, 5), B).includes('stage'), 'A stages')
  t.ok(told(onMessage(l, A, beat, 5), A).includes('stage'), 'the first one was lost')
})
