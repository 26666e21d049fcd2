import t from 'tap'
import type { Leader } from '../../src/engine/leader-state.js'
import { onGone, onMessage, onTick } from '../../src/engine/leader.js'
import { READY, done, ended, given, join, known, newRig } from './leader-rig.js'

// A node on which different RUNs fail in a row, one of which finished elsewhere, gets no more.

const BAD = '1-aaaa'
const GOOD = '2-bbbb'

/** Which RUN an agent has. */
function inHand(l: Leader, who: string): number {
  return [...l.runs.keys()].findIndex(
    (_, n) => known(l, n).state === 'running' && known(l, n).agent === who,
  )
}

/** Its RUN fails. */
function fail(l: Leader, who: string): void {
  const n = inHand(l, who)
  onMessage(l, who, ended(n, known(l, n).attempt, 'failed'), 1)
}

/** Its RUN finishes, and it gets the next one. */
function finish(l: Leader, who: string): void {
  const n = inHand(l, who)
  onMessage(l, who, done(n, known(l, n).attempt), 1)
  onMessage(l, who, READY, 1)
}

/** What fails on the bad node is taken by the good one, and finishes there. */
function failedInARow(rows: number): Leader {
  const l = newRig(9)
  join(l, BAD, 1)
  join(l, GOOD, 2)
  for (let n = 0; n < rows; n++) {
    fail(l, BAD)
    finish(l, GOOD)
    onMessage(l, BAD, READY, 1)
  }
  return l
}

const quarantined = (l: Leader) => [...l.nodes.values()].filter(n => n.quarantined).map(n => n.name)

t.test('three different RUNs failed in a row, one finished elsewhere: no more for it', async t => {
  t.strictSame(quarantined(failedInARow(2)), [])
  const l = failedInARow(3)
  t.strictSame(quarantined(l), ['n1'])
  t.strictSame(given(onMessage(l, BAD, READY, 2)), [])
})

t.test('a RUN that finishes there in between clears its name', async t => {
  const l = failedInARow(2)
  finish(l, BAD)
  fail(l, BAD)
  t.strictSame(quarantined(l), [])
})

t.test('RUNs that finish nowhere are not the fault of the node', async t => {
  const l = newRig(9, { retries: 0 })
  join(l, BAD, 1)
  join(l, GOOD, 2)
  for (let n = 0; n < 4; n++) {
    fail(l, BAD)
    t.strictSame(given(onMessage(l, BAD, READY, 1)), [BAD])
  }
})

t.test('the last node is never left without RUNs', async t => {
  const l = failedInARow(3)
  t.ok(given(onGone(l, GOOD, 'gone')).includes(BAD))
  t.strictSame(quarantined(l), [])
})

t.test('a quarantined node whose agents come back when nobody else is left serves', async t => {
  const l = failedInARow(3)
  onGone(l, BAD, 'gone')
  onGone(l, GOOD, 'gone')
  t.strictSame(quarantined(l), ['n1'])
  t.strictSame(given(join(l, '1-bbbb', 1)), ['1-bbbb'])
  t.strictSame(quarantined(l), [])
})

t.test('a RUN is not given to the node where it failed while another is at work', async t => {
  const l = newRig(2)
  join(l, BAD, 1)
  join(l, GOOD, 2)
  fail(l, BAD)
  t.strictSame(given(onMessage(l, BAD, READY, 1)), [], 'it waits for the other one')
  const n = inHand(l, GOOD)
  onMessage(l, GOOD, done(n, 1), 2)
  t.strictSame(given(onMessage(l, GOOD, READY, 2)), [GOOD])
})

t.test('but it does not wait for ever, and not at all where there is no other', async t => {
  const l = newRig(2)
  join(l, BAD, 1)
  join(l, GOOD, 2)
  fail(l, BAD)
  onMessage(l, BAD, READY, 1)
  for (const who of [BAD, GOOD]) l.agents.get(who)!.heard = 600
  t.strictSame(given(onTick(l, 601)), [])
  t.strictSame(given(onTick(l, 602)), [BAD])
  const alone = newRig(1)
  join(alone, BAD, 1)
  onMessage(alone, BAD, ended(0, 1, 'failed'), 1)
  t.strictSame(given(onMessage(alone, BAD, READY, 1)), [BAD])
})
