import t from 'tap'
import { machineOf } from '../../../src/analysis/report/machine.js'
import type { RunId } from '../../../src/base/ids.js'
import type { JournalRecord } from '../../../src/experiment/journal.js'

const indexOf = new Map(['A', 'B', 'C', 'D'].map((run, i) => [run, i]))
const began = (epoch: number, time: string): JournalRecord => ({
  ...{ type: 'began', epoch, time, job: '', plan: 'p', host: 'h' },
})
const given = (run: string, attempt: number, rank: number, at: number): JournalRecord => ({
  ...{ type: 'given', attempt, rank, at, host: `n${rank}`, run: run as RunId },
})
const finished = (run: string, attempt: number, seconds: number, at: number): JournalRecord => ({
  ...{ type: 'finished', run: run as RunId, attempt, at },
  finish: { marker: '', epochs: 1, reason: 'completed', seconds, durable: true },
})
const ended = (run: string, attempt: number, at: number, final: boolean): JournalRecord => ({
  ...{ type: 'ended', run: run as RunId, attempt, at, final, fate: 'crashed', message: 'SIGSEGV' },
})
const FIRST = '2026-01-01T00:00:00.000Z'
const SECOND = '2026-01-02T00:00:00.000Z'

t.test('busy and idle time of each rank; the end is told apart', async t => {
  const found = machineOf(
    [
      began(1, FIRST),
      ...[given('A', 1, 1, 0), given('B', 1, 2, 10), finished('A', 1, 40, 40)],
      ...[given('C', 1, 1, 50), finished('B', 1, 50, 60), finished('C', 1, 50, 100)],
    ],
    indexOf,
    { slots: 1, until: new Date('2026-01-01T00:01:50.000Z') },
  )!
  t.same(
    found.lanes.map(l => [l.rank, l.host, l.busy, l.idle]),
    [
      [1, 'n1', 90, 20],
      [2, 'n2', 50, 60],
    ],
  )
  t.equal(found.seconds, 110)
  t.equal(found.idle, 80)
  t.equal(
    found.idleAtEnd,
    10 + 50,
    'after C had been given out at 50: rank 1 from 100, rank 2 from 60',
  )
})

t.test('the clock stands still between two leaders', async t => {
  const found = machineOf(
    [
      ...[began(1, FIRST), given('A', 1, 1, 0), given('B', 1, 2, 0), finished('B', 1, 20, 20)],
      ...[began(2, SECOND), given('A', 2, 1, 5), finished('A', 2, 10, 15)],
    ],
    indexOf,
    { slots: 1, until: undefined },
  )!
  t.same(
    found.lives.map(l => [l.from, l.to]),
    [
      [0, 20],
      [20, 35],
    ],
  )
  t.same(
    found.bars.map(b => [b.run, b.attempt, b.from, b.to, b.fate]),
    [
      [0, 1, 0, 20, null],
      [1, 1, 0, 20, 'finished'],
      [0, 2, 25, 35, 'finished'],
    ],
  )
  t.match(found.bars[0]!.message, /no end of it is known/)
  t.equal(found.lanes[1]!.idle, 0, 'rank 2 was not there in the second life')
})

t.test('a RUN that an agent kept over a leader has one bar', async t => {
  const found = machineOf(
    [
      ...[began(1, FIRST), given('A', 1, 1, 0), given('B', 1, 2, 0), finished('B', 1, 30, 30)],
      ...[began(2, SECOND), finished('A', 1, 86_400, 10)],
    ],
    indexOf,
    { slots: 1, until: undefined },
  )!
  const bar = found.bars.find(b => b.run === 0)!
  t.same([bar.from, bar.to, bar.fate], [0, 40, 'finished'])
})

t.test('a RUN given ahead began when its slot was free; a rank with slots has lanes', async t => {
  const records = [
    ...[began(1, FIRST), given('A', 1, 1, 0), given('B', 1, 1, 0), finished('A', 1, 10, 10)],
    finished('B', 1, 10, 20),
  ]
  const one = machineOf(records, indexOf, { slots: 1, until: undefined })!
  t.same(
    one.bars.map(b => [b.lane, b.from, b.to]),
    [
      [0, 0, 10],
      [0, 10, 20],
    ],
  )
  const two = machineOf(
    [
      began(1, FIRST),
      given('A', 1, 1, 0),
      given('B', 1, 1, 0),
      finished('A', 1, 10, 10),
      finished('B', 1, 20, 20),
    ],
    indexOf,
    { slots: 2, until: undefined },
  )!
  t.same(
    two.bars.map(b => b.lane),
    [0, 1],
  )
  t.equal(two.idle, 10)
})

t.test('fates, and RUNs that the plan does not know', async t => {
  const found = machineOf(
    [
      ...[began(1, FIRST), given('A', 1, 1, 0), ended('A', 1, 5, false), given('A', 2, 1, 5)],
      ...[ended('A', 2, 9, true), given('X', 1, 1, 9), finished('X', 1, 1, 10)],
    ],
    indexOf,
    { slots: 1, until: undefined },
  )!
  t.same(
    found.bars.map(b => [b.attempt, b.fate, b.final, b.message]),
    [
      [1, 'crashed', false, 'SIGSEGV'],
      [2, 'crashed', true, 'SIGSEGV'],
    ],
  )
  t.equal(machineOf([], indexOf, { slots: 1, until: undefined }), null)
})
