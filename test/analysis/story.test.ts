import t from 'tap'
import { attemptsOf, storyOf } from '../../src/analysis/story.js'
import { runId } from '../../src/base/ids.js'
import type { Fate } from '../../src/experiment/fate.js'
import type { JournalRecord } from '../../src/experiment/journal.js'

const RUN = runId('R0')!
const OTHER = runId('R1')!
const began = (epoch: number): JournalRecord => ({
  ...{ type: 'began', epoch, job: '', plan: 'p', host: 'lead' },
  time: `2026-01-01T0${epoch}:00:00.000Z`,
})
const given = (attempt: number, at: number, run = RUN): JournalRecord => ({
  ...{ type: 'given', run, attempt, rank: 3, host: 'node7', at },
})
const ended = (attempt: number, fate: Fate, final: boolean, at: number): JournalRecord => ({
  ...{ type: 'ended', run: RUN, attempt, fate, final, message: 'why', epochs: 4, at },
})
const finished = (attempt: number, at: number, run = RUN): JournalRecord => ({
  ...{ type: 'finished', run, attempt, at },
  finish: { marker: 'm', epochs: 9, reason: 'completed', seconds: 5, durable: true },
})

t.test('an attempt: where, when, how long, how far, and what it came to', async t => {
  const story = storyOf(
    [began(1), given(1, 1, OTHER), given(1, 10), ended(1, 'crashed', false, 70), given(2, 70.5)],
    RUN,
  )
  t.match(story, [
    { type: 'leader', epoch: 1, host: 'lead' },
    {
      ...{ attempt: 1, rank: 3, host: 'node7', epochs: 4, fate: 'crashed', message: 'why' },
      ...{ given: '2026-01-01T01:00:10.000Z', ended: '2026-01-01T01:01:10.000Z', seconds: 60 },
      then: 'waits',
    },
    { attempt: 2, given: '2026-01-01T01:01:10.500Z', fate: null, then: null },
  ])
  t.equal(story.length, 3)
})

t.test('leaders that come while the RUN is on its way are told, others are not', async t => {
  const records = [began(1), began(2), given(1, 1), began(3), given(2, 1), finished(2, 6), began(4)]
  const story = storyOf(records, RUN)
  t.match(
    story.map(e => (e.type === 'leader' ? e.epoch : e.type)),
    [2, 'attempt', 3, 'attempt'],
  )
  t.match(attemptsOf(story), [
    { message: 'its leader ended before it', then: 'waits' },
    { fate: 'finished', seconds: 5, epochs: 9 },
  ])
})

t.test('an attempt that was given back, and one that a late answer made needless', async t => {
  const back = attemptsOf(storyOf([began(1), given(1, 1), given(2, 2)], RUN))
  t.match(back, [{ message: 'given back before it began' }, { message: '' }])
  const [lost] = attemptsOf(storyOf([began(1), given(1, 1), given(2, 2)], RUN, false))
  t.match(lost, { message: 'how it ended is lost' }, 'a damaged journal proves nothing')
  const late = [began(1), given(1, 1), ended(1, 'node-lost', false, 2), given(2, 3), finished(1, 4)]
  t.match(attemptsOf(storyOf(late, RUN)), [
    { fate: 'finished', then: 'finished' },
    { fate: null, message: 'cancelled: attempt 1 finished' },
  ])
})

t.test('quarantine of a node where it ran, and the stop of a sweep', async t => {
  const on = (node: string): JournalRecord => ({ type: 'quarantined', node, on: true })
  const stop: JournalRecord = { type: 'stopped', reason: 'SIGTERM' }
  const story = storyOf([began(1), stop, given(1, 1), on('node8:0'), on('node7:0'), stop], RUN)
  t.match(story.slice(2), [
    { type: 'quarantined', node: 'node7:0' },
    { type: 'stopped', reason: 'SIGTERM' },
  ])
  t.equal(story.length, 4)
})

t.test('where the begin of an attempt, or of its leader, is lost its end is told', async t => {
  t.match(storyOf([began(1), ended(2, 'failed', true, 5)], RUN), [
    { type: 'leader' },
    { attempt: 2, rank: null, given: null, fate: 'failed', then: 'given up' },
  ])
  t.match(storyOf([given(1, 1), finished(1, 2)], RUN), [{ given: null, ended: null, seconds: 5 }])
  t.strictSame(storyOf([began(1), given(1, 1, OTHER), finished(1, 2, OTHER)], RUN), [])
})
