import t from 'tap'
import type { Effect, Leader } from '../../src/engine/leader-state.js'
import { onGone, onMessage, onTick } from '../../src/engine/leader.js'
import { PROTOCOL, type FromAgent } from '../../src/engine/protocol.js'
import type { Fate } from '../../src/experiment/fate.js'
import { IDLE_BEAT, READY, done, ended, given, id, join, known, newRig } from './leader-rig.js'

// How often a RUN is given out again. The rig's RUNs may fail five times before they are given up.

const A = '1-aaaa'
const B = '2-bbbb'

/** Attempts that one RUN gets where each of them ends with `fate`; 20 stands for "no limit". */
function attempts(fate: Fate, retries?: number): number {
  const l = newRig(1, retries === undefined ? {} : { retries })
  join(l, A, 1)
  for (let n = 1; n < 20; n++) {
    onMessage(l, A, ended(0, n, fate), n)
    onMessage(l, A, READY, n)
    if (known(l, 0).state === 'failed') return n
  }
  return 20
}

for (const [fate, wanted] of [
  ['failed', 6],
  ['no-marker', 6],
  ['crashed', 3],
  ['hung', 3],
  ['out-of-memory', 3],
  ['bad-data', 1],
  ['walltime', 20],
  ['stopped', 20],
] as const)
  t.test(`attempts that end with "${fate}": ${wanted === 20 ? 'no limit' : wanted}`, async t => {
    t.equal(attempts(fate), wanted)
  })

t.test('no retries: the first fault is the last', async t => {
  t.equal(attempts('failed', 0), 1)
  t.equal(attempts('crashed', 0), 3, 'crashes have a limit of their own')
})

t.test(
  'a disk that cannot be written: once more, elsewhere first, then the sweep stops',
  async t => {
    const l = newRig(2)
    join(l, A, 1)
    join(l, B, 2)
    onMessage(l, A, ended(0, 1, 'no-disk'), 1)
    onMessage(l, A, READY, 1)
    t.equal(known(l, 0).state, 'waiting', 'for another node than its own')
    onMessage(l, B, done(1, 1), 2)
    onMessage(l, B, READY, 2)
    t.match(known(l, 0), { state: 'running', attempt: 2, tally: { failures: 0, crashes: 0 } })
    t.notOk(l.stopping)
    const effects = onMessage(l, B, ended(0, 2, 'no-disk'), 3)
    t.match(l.stopping, { fate: 'stopped', reason: `${id(0)}: ` })
    t.equal(effects.filter(e => e.do === 'alert').length, 1)
    t.match(l.counts, { finished: 1, failed: 0, waiting: 1 })
  },
)

t.test('staging finds the disk full: the last node stops the sweep, others go on', async t => {
  const l = newRig(1)
  const unstaged: FromAgent = { type: 'unstaged', fate: 'no-disk', message: 'full' }
  join(l, A, 1)
  join(l, B, 2)
  onMessage(l, B, unstaged, 1)
  t.notOk(l.stopping)
  onMessage(l, A, unstaged, 1)
  t.match(l.stopping, { fate: 'stopped', reason: 'full' })
})

t.test('two lost agents count nothing; from the third on they count as crashes', async t => {
  const l = newRig(1)
  for (let n = 1; n <= 5; n++) {
    t.equal(known(l, 0).state, 'waiting', `before loss ${n}`)
    join(l, `1-${n}`, 1)
    onGone(l, `1-${n}`, 'gone')
  }
  t.equal(known(l, 0).state, 'failed')
})

t.test('faults of one RUN are not those of another', async t => {
  const l = newRig(2)
  join(l, A, 1)
  onMessage(l, A, ended(0, 1, 'bad-data'), 1)
  t.equal(known(l, 0).state, 'failed')
  onMessage(l, A, READY, 1)
  t.match(known(l, 1), { state: 'running', attempt: 1, tally: { failures: 0, crashes: 0 } })
})

const sent = (effects: readonly Effect[]) =>
  effects.flatMap(e => (e.do === 'send' ? [`${e.message.type} to ${e.to}`] : []))
/** What is sent when the journal has all that came before. */
const settled = (effects: readonly Effect[]) =>
  effects.flatMap(e => (e.do === 'settled' ? sent(e.then) : []))
const journalled = (effects: readonly Effect[]) => effects.filter(e => e.do === 'journal')

for (const [what, answer] of [
  ['done', done(0, 1)],
  ['ended', ended(0, 1, 'failed')],
] as const)
  t.test(`"${what}" is acked when the journal has it, not before`, async t => {
    const l = newRig(2)
    join(l, A, 1)
    const effects = onMessage(l, A, answer, 1)
    t.notOk(sent(effects).includes(`ack to ${A}`))
    const [record] = journalled(effects)
    t.match(record, { record: { type: what === 'done' ? 'finished' : 'ended', run: id(0) } })
    t.strictSame(sent(record!.then), [`ack to ${A}`])
  })

t.test('a RUN finishes once: what is said of it later is acked and not journalled', async t => {
  const l = newRig(2)
  join(l, A, 1)
  join(l, B, 2)
  onMessage(l, A, done(0, 1), 1)
  for (const late of [done(0, 1), ended(0, 1, 'crashed'), done(0, 7)]) {
    const effects = onMessage(l, B, late, 2)
    t.strictSame(settled(effects), [`ack to ${B}`])
    t.strictSame(journalled(effects), [])
    t.equal(known(l, 0).state, 'finished')
  }
  t.equal(l.counts.finished, 1)
})

t.test('out of memory: once more with twice the memory, where there is a limit', async t => {
  const l = newRig(1, { memory: 1000 })
  const memory = (effects: readonly Effect[]) =>
    effects.flatMap(e =>
      e.do === 'send' && e.message.type === 'run' ? [e.message.order.memory] : [],
    )
  t.strictSame(memory(join(l, A, 1)), [1000])
  onMessage(l, A, ended(0, 1, 'out-of-memory'), 1)
  t.strictSame(memory(onMessage(l, A, READY, 1)), [2000])
  onMessage(l, A, ended(0, 2, 'out-of-memory'), 2)
  t.equal(known(l, 0).state, 'failed')
})

t.test('more failed RUNs than are allowed stop the sweep', async t => {
  const l = newRig(5, { retries: 0, settings: { maxFailed: 1 } })
  join(l, A, 1)
  onMessage(l, A, ended(0, 1, 'failed'), 1)
  t.notOk(l.stopping)
  onMessage(l, A, READY, 1)
  onMessage(l, A, ended(1, 1, 'failed'), 2)
  t.match(l.stopping, { fate: 'stopped' })
  t.strictSame(given(onMessage(l, A, READY, 3)), [])
})

/** A was lost with its RUN, which B has now. */
function lostAndGivenAgain(): Leader {
  const l = newRig(1)
  join(l, A, 1)
  join(l, B, 2)
  onMessage(l, B, IDLE_BEAT, 100)
  onTick(l, 121)
  return l
}

t.test('a late "done" of a lost agent stands, and the newer attempt is cancelled', async t => {
  const l = lostAndGivenAgain()
  t.match(known(l, 0), { state: 'running', attempt: 2, agent: B })
  t.ok(sent(onMessage(l, A, done(0, 1), 122)).includes(`cancel to ${B}`))
  t.equal(known(l, 0).state, 'finished')
})

t.test('a late "ended" of a lost agent counts nothing', async t => {
  const l = lostAndGivenAgain()
  const before = known(l, 0)
  const effects = onMessage(l, A, ended(0, 1, 'crashed'), 122)
  t.strictSame(settled(effects), [`ack to ${A}`])
  t.strictSame(sent(effects), [])
  t.strictSame(given(effects), [])
  t.strictSame(known(l, 0), before)
})

t.test('an agent of a million slots is refused', async t => {
  const l = newRig(1)
  const place = { rank: 1, host: 'h', node: 'n', pid: 1, slots: 1e6 }
  const hello = { type: 'hello', protocol: PROTOCOL, ...place, held: [], phase: 'open' } as const
  t.strictSame(sent(onMessage(l, A, hello, 0)), [`refused to ${A}`])
  t.equal(l.agents.size, 0)
})

t.test('of two processes that say that they are one rank the later one stays', async t => {
  const l = newRig(1)
  const hello = (pid: number): FromAgent => {
    const place = { rank: 1, host: 'h', node: 'n', pid, slots: 1 }
    return { type: 'hello', protocol: PROTOCOL, ...place, held: [], phase: 'open' }
  }
  onMessage(l, '1-a', hello(100), 0)
  onMessage(l, '1-b', hello(200), 1)
  t.strictSame(sent(onMessage(l, '1-c', hello(100), 2)), ['refused to 1-c'])
  t.strictSame([...l.agents.keys()], ['1-b'])
  onTick(l, 32) // the later one is silent
  t.notOk(sent(onMessage(l, '1-d', hello(100), 32)).includes('refused to 1-d'))
  t.strictSame([...l.agents.keys()], ['1-d'])
})

t.test('an agent that gives a RUN back gets no other for it', async t => {
  const l = newRig(50, { settings: { prefetch: 8 } })
  join(l, A, 1)
  onMessage(l, A, done(0, 1), 1)
  l.pace.run = 0.001
  t.equal(given(onMessage(l, A, READY, 1)).length, 8) // RUNs 1 to 8
  for (let n = 2; n <= 8; n++)
    t.strictSame(given(onMessage(l, A, ended(n, 1, 'stopped'), 2)), [], 'the first one still runs')
})

t.test('a RUN that was found finished says nothing of how long RUNs take', async t => {
  const l = newRig(50, { settings: { prefetch: 8 } })
  join(l, A, 1)
  const found = done(0, 1)
  onMessage(l, A, { ...found, finish: { ...found.finish, seconds: -1 } }, 1)
  t.equal(given(onMessage(l, A, READY, 1)).length, 1)
})

t.test('a full disk: what a slot has in hand comes back, and it gets one at a time', async t => {
  const l = newRig(50, { settings: { prefetch: 8 } })
  join(l, A, 1)
  onMessage(l, A, done(0, 1), 1)
  l.pace.run = 0.001
  onMessage(l, A, READY, 1) // RUNs 1 to 8
  const effects = onMessage(l, A, ended(1, 1, 'no-disk'), 2)
  t.match(
    effects.flatMap(e => (e.do === 'send' && e.message.type === 'withdraw' ? [e.message.run] : [])),
    [3, 4, 5, 6, 7, 8].map(id),
    'all but the one that has begun',
  )
  t.strictSame(given(effects), [])
  for (let n = 3; n <= 8; n++) onMessage(l, A, ended(n, 1, 'stopped'), 2)
  onMessage(l, A, ended(2, 1, 'no-disk'), 16)
  t.equal(given(onMessage(l, A, READY, 16)).length, 1)
})

t.test(
  'no rank can open, life after life: the sweep stops, once all have had their time',
  async t => {
    const l = newRig(2)
    const broken: FromAgent = { type: 'broken', fate: 'failed', message: 'no PyTorch' }
    const effects: Effect[] = []
    const live = (rank: number, life: number, now: number) => {
      const who = `${rank}-${life}`
      const place = { rank, host: 'h', node: `n${rank}`, pid: rank, slots: 1 }
      const state = { held: [], phase: 'staged' } as const
      onMessage(l, who, { type: 'hello', protocol: PROTOCOL, ...place, ...state }, now)
      effects.push(...onMessage(l, who, broken, now))
    }
    for (const rank of [1, 2]) for (const life of [1, 2, 3]) live(rank, life, 10 * life)
    t.equal(effects.filter(e => e.do === 'alert').length, 2, 'one alert a rank')
    t.equal(l.stopping, undefined, 'others may come late')
    live(1, 4, 121)
    t.match(l.stopping, { fate: 'stopped', reason: 'no worker can serve: no PyTorch' })
  },
)

t.test('a rank that cannot open stops no sweep that another serves', async t => {
  const l = newRig(2)
  join(l, B, 2)
  for (const life of [1, 2, 3, 4]) {
    join(l, `1-${life}`, 1)
    onMessage(l, `1-${life}`, { type: 'broken', fate: 'failed', message: 'x' }, 100 * life)
    onMessage(l, B, IDLE_BEAT, 100 * life)
  }
  t.equal(l.stopping, undefined)
})
