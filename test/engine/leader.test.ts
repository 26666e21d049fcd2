import t from 'tap'
import type { Effect, Leader } from '../../src/engine/leader-state.js'
import { onGone, onMessage, onStall, onTick } from '../../src/engine/leader.js'
import { onStop } from '../../src/engine/stop.js'
import { PROTOCOL, type FromAgent } from '../../src/engine/protocol.js'
import { READY, done, ended, id, newRig } from './leader-rig.js'

const A = '1-aaaa'
const B = '2-bbbb'

const leader = (runs: number): Leader => newRig(runs, { retries: 1 })

const hello = (rank: number, protocol = PROTOCOL): FromAgent => ({
  type: 'hello',
  protocol,
  rank,
  host: 'h1',
  node: 'h1:0',
  pid: 100 + rank,
  slots: 1,
  held: [],
  phase: 'closed',
})

/** An agent that has said hello, whose node is staged, and that asks for a RUN. */
function join(l: Leader, who: string, rank: number, now = 0): Effect[] {
  onMessage(l, who, hello(rank), now)
  if (l.nodes.get('h1:0')?.state === 'staging') onMessage(l, who, { type: 'staged' }, now)
  return onMessage(l, who, READY, now)
}

const sent = (effects: readonly Effect[]) =>
  effects.flatMap(e =>
    e.do === 'send' && e.message.type !== 'welcome' ? [[e.to, e.message.type] as const] : [],
  )
/** What is sent when the journal has all that came before. */
const settled = (effects: readonly Effect[]) =>
  effects.flatMap(e => (e.do === 'settled' ? sent(e.then) : []))
const orders = (effects: readonly Effect[]) =>
  effects.flatMap(e =>
    e.do === 'send' && e.message.type === 'run'
      ? [[e.to, e.message.order.run, e.message.order.attempt] as const]
      : [],
  )

t.test('RUNs go out in UPF order, one a ready slot', async t => {
  const l = leader(3)
  t.strictSame(orders(join(l, A, 1)), [[A, id(0), 1]])
  t.strictSame(orders(join(l, B, 2)), [[B, id(1), 1]])
  t.strictSame(l.counts, { waiting: 1, running: 2, finished: 0, failed: 0 })
})

t.test('only the first agent of a node stages; the others open when it has', async t => {
  const l = leader(2)
  t.strictSame(sent(onMessage(l, A, hello(1), 0)), [[A, 'stage']])
  t.strictSame(sent(onMessage(l, B, hello(2), 0)), [])
  t.strictSame(sent(onMessage(l, A, { type: 'staged' }, 0)), [
    [A, 'open'],
    [B, 'open'],
  ])
})

t.test('when the stager dies another agent of its node stages', async t => {
  const l = leader(2)
  onMessage(l, A, hello(1), 0)
  onMessage(l, B, hello(2), 0)
  t.strictSame(sent(onGone(l, A, 'exit')), [[B, 'stage']])
})

t.test(
  'an agent that cannot open goes, its node is looked at again, and the sweep goes on',
  async t => {
    const l = leader(2)
    join(l, A, 1)
    const effects = onMessage(l, A, { type: 'broken', fate: 'bad-data', message: 'damaged' }, 1)
    t.match(sent(effects).at(-1), [A, 'bye'])
    t.notOk(l.stopping)
    t.equal(l.runs.get(id(0))?.state, 'waiting', 'its RUN is given back')
    t.strictSame(sent(onMessage(l, B, hello(1), 2)), [[B, 'stage']])
  },
)

t.test('data that is not the EXP’s stops the sweep', async t => {
  const l = leader(2)
  onMessage(l, A, hello(1), 0)
  onMessage(l, A, { type: 'unstaged', fate: 'bad-data', message: 'other data' }, 1)
  t.match(l.stopping, { fate: 'bad-data', reason: 'other data' })
})

t.test('done is acked only after the journal has it', async t => {
  const l = leader(2)
  join(l, A, 1)
  const effects = onMessage(l, A, done(0, 1), 1)
  t.strictSame(sent(effects), [], 'no ack outside the journal effect')
  const record = effects.find(e => e.do === 'journal')
  t.match(record, {
    record: { type: 'finished', run: id(0) },
    then: [{ do: 'send', message: { type: 'ack', attempt: 1 } }],
  })
  t.strictSame(
    settled(onMessage(l, A, done(0, 1), 2)),
    [[A, 'ack']],
    'said twice: acked when the first one is durable, nothing else',
  )
  t.equal(l.counts.finished, 1)
})

t.test('a failed RUN is given out again once by default, then it is failed', async t => {
  const l = leader(1)
  join(l, A, 1)
  onMessage(l, A, ended(0, 1, 'failed'), 1)
  t.equal(l.runs.get(id(0))?.state, 'waiting')
  t.strictSame(orders(onMessage(l, A, READY, 1)), [[A, id(0), 2]])
  const effects = onMessage(l, A, ended(0, 2, 'failed'), 2)
  t.equal(l.runs.get(id(0))?.state, 'failed')
  t.ok(effects.some(e => e.do === 'alert'))
  t.ok(effects.some(e => e.do === 'over'))
})

t.test('a crashing RUN has three attempts, bad data one, being stopped counts nothing', async t => {
  for (const [fate, attempts] of [
    ['crashed', 3],
    ['hung', 3],
    ['bad-data', 1],
  ] as const) {
    const l = leader(1)
    join(l, A, 1)
    for (let n = 1; n <= attempts; n++) {
      t.not(l.runs.get(id(0))?.state, 'failed', `${fate} before attempt ${n}`)
      onMessage(l, A, ended(0, n, fate), n)
      onMessage(l, A, READY, n)
    }
    t.equal(l.runs.get(id(0))?.state, 'failed', fate)
  }
  const l = leader(1)
  join(l, A, 1)
  for (let n = 1; n <= 10; n++) {
    onMessage(l, A, ended(0, n, 'stopped'), n)
    onMessage(l, A, READY, n)
  }
  t.match(l.runs.get(id(0)), { state: 'running', attempt: 11 })
})

t.test('a dead agent gives its RUN back at once, in front of the queue', async t => {
  const l = leader(3)
  join(l, A, 1)
  onMessage(l, B, hello(2), 0)
  onMessage(l, B, READY, 0)
  onGone(l, A, 'died of SIGKILL')
  onMessage(l, B, done(1, 1), 1)
  t.strictSame(orders(onMessage(l, B, READY, 1)), [[B, id(0), 2]])
})

t.test('two lost nodes are nobody’s fault; from the third on they count', async t => {
  const l = leader(1)
  for (let n = 1; n <= 5; n++) {
    t.not(l.runs.get(id(0))?.state, 'failed', `before loss ${n}`)
    join(l, `1-${n}`, 1)
    onGone(l, `1-${n}`, 'gone')
  }
  t.equal(l.runs.get(id(0))?.state, 'failed')
})

t.test(
  'a late "done" of an attempt given up is taken, and the newer attempt cancelled',
  async t => {
    const l = leader(1)
    join(l, A, 1)
    onTick(l, 121)
    t.equal(l.runs.get(id(0))?.state, 'waiting', 'lost after its lease')
    join(l, B, 2, 121)
    const effects = onMessage(l, A, done(0, 1), 130)
    t.equal(l.runs.get(id(0))?.state, 'finished')
    t.ok(sent(effects).some(([to, type]) => to === B && type === 'cancel'))
    const late = onMessage(l, B, ended(0, 2, 'stopped'), 131)
    t.strictSame(settled(late), [[B, 'ack']])
    t.equal(l.counts.finished, 1)
  },
)

t.test('a suspect agent gets no new RUN; a stall of the leader is nobody’s fault', async t => {
  const l = leader(2)
  join(l, A, 1)
  onMessage(l, A, done(0, 1), 0)
  l.agents.get(A)!.slots[0]!.ready = true
  onTick(l, 31)
  l.now = 31
  t.strictSame(orders(onMessage(l, B, hello(2), 31)), [])
  onStall(l, 31)
  t.strictSame(orders(onGone(l, B, 'gone')), [[A, id(1), 1]], 'the stall is subtracted')
})

t.test('the same rank in another life ends the earlier one', async t => {
  const l = leader(1)
  join(l, A, 1)
  onMessage(l, '1-zzzz', hello(1), 1)
  t.notOk(l.agents.has(A))
  t.match(l.runs.get(id(0)), { state: 'waiting', attempt: 1 })
})

t.test('another protocol is refused, naming both', async t => {
  const l = leader(1)
  const effects = onMessage(l, A, hello(1, 99), 0)
  t.match(effects, [
    { message: { type: 'refused', message: new RegExp(`protocol 99, the leader ${PROTOCOL}`) } },
  ])
  t.equal(l.agents.size, 0)
})

t.test('after a stop nothing is given out, and it is over when nobody runs', async t => {
  const l = leader(3)
  join(l, A, 1)
  const effects = onStop(l, 'stopped', 'SIGINT')
  t.ok(sent(effects).some(([to, type]) => to === A && type === 'stop'))
  t.notOk(effects.some(e => e.do === 'over'))
  const last = onMessage(l, A, ended(0, 1, 'stopped'), 1)
  t.strictSame(orders(last), [])
  t.ok(last.some(e => e.do === 'over'))
  t.match(l.counts, { waiting: 3, running: 0 })
})

t.test('strangers change nothing', async t => {
  const l = leader(1)
  const before = JSON.stringify([...l.runs])
  t.strictSame(sent(onMessage(l, 'x', READY, 0)), [['x', 'unknown']])
  t.strictSame(settled(onMessage(l, 'x', ended(0, 1, 'failed'), 0)), [['x', 'ack']])
  t.equal(JSON.stringify([...l.runs]), before)
})
