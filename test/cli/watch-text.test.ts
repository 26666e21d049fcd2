import t from 'tap'
import type { Progress } from '../../src/analysis/progress.js'
import { runId } from '../../src/base/ids.js'
import { changes, lastLine, picture } from '../../src/cli/watch-text.js'
import type { LiveStatus, RankStatus } from '../../src/experiment/live-status.js'

const rank = (n: number, state: RankStatus['state'] = 'serving'): RankStatus => ({
  ...{ rank: n, host: `node${n}`, slots: 1, utilisation: 0.97, idle: 75, state },
  ...{ lagP99: 1.5, lagMax: 20, rss: 5e7 },
})
const running = (n: number, epoch: number) => ({
  ...{ run: runId(`RUN${n}`)!, rank: n, attempt: 1, seconds: 61 },
  progress: { phase: 'train' as const, epoch, epochs: 20 },
})
const live: LiveStatus = {
  ...{ exp: 'EXP001-x', seconds: 120, carried: 0, begun: 5 },
  counts: { waiting: 5, running: 2, finished: 2, failed: 1 },
  ranks: [rank(1), rank(2, 'suspect')],
  running: [running(1, 3)],
  ...{ lagP99: 0.25, lagMax: 9, strangers: 0, stopping: null },
}
const p: Progress = {
  ...{ dir: '/x/EXP001', job: null, json: '/x/EXP001/d.json', procs: 3, ppn: 3, epochs: 20 },
  ...{ outs: 3, runs: 10, news: 5, done: 2, failed: 1, running: 2, interrupted: 1, notStarted: 4 },
  damaged: 0,
  ...{ ended: null, led: true, time: 120, alerts: 0, eta: 480, source: 'leader', live },
}

t.test('on a terminal: totals, then a line a rank, those that do not serve first', async t => {
  t.strictSame(picture(p, 20, 200), [
    '/x/EXP001  [=====                   ]',
    '2 of 10 RUNs finished, 1 failed, 2 running, 1 interrupted, 4 not started, 2 min 00 s elapsed, 8 min 00 s left',
    "1 serving, 1 suspect, busy 97 %, leader's loop lag p99 0.3 ms",
    'rank  host   state    busy  idle        lag p99  RUN   attempt  epoch  for',
    '2     node2  suspect  97 %  1 min 15 s  1.5 ms',
    '1     node1  serving  97 %  1 min 15 s  1.5 ms   RUN1  1        3/20   1 min 01 s',
  ])
})

t.test('ten thousand ranks fit any terminal, and what is left out is counted', async t => {
  const ranks = Array.from({ length: 10_000 }, (_, n) => rank(n))
  const lines = picture({ ...p, live: { ...live, ranks } }, 12, 40)
  t.equal(lines.length, 12)
  t.ok(lines.every(line => line.length < 40))
  const shown = lines.filter(line => /^\d+ +97 %/.test(line)).length
  t.ok(shown > 0)
  t.equal(lines.at(-1), `… and ${10_000 - shown} more`)
})

t.test('on 80 columns nothing is cut: long lines are broken, some columns go', async t => {
  const dir = `/lus/flare/projects/${'x'.repeat(60)}/out/EXP001`
  const lines = picture({ ...p, dir }, 20, 80)
  t.strictSame(lines, [
    `…${'x'.repeat(39)}/out/EXP001  [=====                   ]`,
    '2 of 10 RUNs finished, 1 failed, 2 running, 1 interrupted, 4 not started,',
    '2 min 00 s elapsed, 8 min 00 s left',
    "1 serving, 1 suspect, busy 97 %, leader's loop lag p99 0.3 ms",
    'rank  host   state    busy  idle        RUN   attempt  epoch  for',
    '2     node2  suspect  97 %  1 min 15 s',
    '1     node1  serving  97 %  1 min 15 s  RUN1  1        3/20   1 min 01 s',
  ])
})

t.test('in a log: a line a change, and nothing where nothing is', async t => {
  const first = changes(undefined, p)
  t.match(first, [
    /^rank 1 on node1: serving, busy 97 %, idle 1 min 15 s, loop lag p99 1.5 ms$/,
    /^rank 2 on node2: suspect/,
    /^RUN1 runs: rank 1, 1 min 01 s$/,
    /^2 of 10 RUNs finished/,
    /busy 97 %/,
  ])
  t.strictSame(changes(p, { ...p, time: 121, eta: 479 }), [])
  const next = { ...live, ranks: [rank(1)], running: [running(1, 4), running(3, 0)] }
  t.strictSame(changes(p, { ...p, live: next }), [
    'rank 2: gone',
    'RUN1 epoch 4/20: rank 1, 1 min 01 s',
    'RUN3 runs: rank 3, 1 min 01 s',
  ])
  t.match(changes(p, { ...p, done: 3 }), [/^3 of 10 RUNs finished/, /busy/])
  const many = { ...live, running: Array.from({ length: 50 }, (_, n) => running(n + 2, 1)) }
  t.equal(changes(p, { ...p, live: many }).at(-1), '… and 30 more changes')
})

t.test('who tells is said where it is not the leader', async t => {
  const { live: _, ...silent } = p
  t.match(picture({ ...silent, source: 'journal' }, 20, 200), [
    ...[/EXP001/, /^2 of 10/],
    'its leader does not answer; told from its journal',
  ])
  t.match(
    changes(undefined, { ...silent, led: null, source: 'files' }).at(-1),
    /another host.*files/,
  )
})

t.test('the last line says how it ended', async t => {
  const over = { ...p, led: false }
  const ended = { reason: 'SIGTERM', exit: 6, time: '2026-01-01T12:00:00Z' }
  t.match(lastLine({ ...over, ended }), /^ended: SIGTERM \(exit 6\) at 2026-01-01 /)
  t.match(lastLine(over), /^ended: the leader is gone.*resume \/x\/EXP001/)
  t.match(lastLine({ ...p, led: null }), /no sign of life/)
  t.match(lastLine({ ...over, news: 0 }), /none ever did/)
})
