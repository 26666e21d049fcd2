import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gapsOf } from '../../src/analysis/gaps.js'
import { progressOf } from '../../src/analysis/progress.js'
import { gather } from '../../src/analysis/report/gather.js'
import { runStates } from '../../src/analysis/run-state.js'
import type { RunId } from '../../src/base/ids.js'
import type { Experiment } from '../../src/experiment/exp.js'
import { encodeRecords } from '../../src/experiment/journal.js'
import * as layout from '../../src/experiment/layout.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, type SmallRun } from './small-exp.js'

const NOBODY = { live: undefined, sign: undefined }
const LED = { live: undefined, sign: { host: 'there', pid: 1, counter: 1, isAlive: undefined } }
const IDS = ['DONE', 'GIVEN', 'UP', 'AGAIN', 'NEW']
const runs = IDS.map((id, index): SmallRun => ({
  ...{ id, resolved: { index, drug: `D${index}` }, unfinished: id !== 'DONE' },
  test: ['C1', 'C2', 'C3'].map(cell => [cell, 0.5, 0.4]),
}))

const began = (epoch: number, counts: object) => ({
  ...{ type: 'began', epoch, job: '', plan: 'p', host: 'here', counts },
  time: new Date(epoch * 1e6).toISOString(),
})
const given = (run: string, attempt: number) => ({
  ...{ type: 'given', run, attempt, rank: 1, host: 'here', at: 1 },
})
const ended = (run: string, attempt: number, final: boolean) => ({
  ...{ type: 'ended', run, attempt, fate: 'failed', final, message: 'no', at: 2 },
})
const finish = { marker: '', epochs: 1, reason: 'completed', seconds: 1, durable: true }

/** One life of a leader, the last that wrote. */
function writeLife(exp: string, number: number, records: readonly object[]): void {
  fs.mkdirSync(layout.journal(exp), { recursive: true })
  const texts = records.map(record => JSON.stringify(record))
  fs.writeFileSync(join(layout.journal(exp), `00000${number}.log`), encodeRecords(1, texts))
}

function writeError(exp: string, run: string, attempt: number): void {
  const error = { run, attempt, fate: 'failed', message: 'no', log: ['the last line'] }
  fs.writeFileSync(layout.error(exp, run as RunId), JSON.stringify(error))
}

async function stopped(folder: string): Promise<Experiment> {
  const exp = await makeSmallExp(folder, runs)
  writeLife(exp.path, 1, [
    began(1, { runs: 5, finished: 0, begun: 0 }),
    ...[given('DONE', 1), { type: 'finished', run: 'DONE', attempt: 1, finish, at: 2 }],
    ...[given('UP', 1), ended('UP', 1, true)],
    ...[given('AGAIN', 1), ended('AGAIN', 1, false)],
    given('GIVEN', 1),
  ])
  writeError(exp.path, 'UP', 1)
  writeError(exp.path, 'AGAIN', 1)
  fs.rmSync(layout.run(exp.path, 'NEW' as RunId), { recursive: true })
  return exp
}

const statesOf = (exp: Experiment, isLed: boolean) =>
  Object.fromEntries(runStates(exp, false, isLed).map(s => [s.run, s.state]))
const countsOf = (exp: Experiment, now: typeof NOBODY | typeof LED, verify = false) => {
  const p = progressOf(exp, now, verify)
  return {
    ...{ finished: p.done, failed: p.failed, running: p.running, interrupted: p.interrupted },
    ...{ damaged: p.damaged, 'not started': p.notStarted },
  }
}

t.test('after a stop nothing runs: progress, the page and the tables agree', async t => {
  const folder = t.testdir()
  const exp = await stopped(folder)
  t.same(statesOf(exp, false), {
    ...{ DONE: 'finished', GIVEN: 'interrupted', UP: 'failed' },
    // its error.json is of the last attempt, but it has attempts left
    ...{ AGAIN: 'interrupted', NEW: 'not started' },
  })
  const { counts } = gather(exp, NOBODY).content
  t.same(counts, countsOf(exp, NOBODY))
  t.same(counts, countsOf(exp, NOBODY, true), 'by files as by the journal')
  t.equal(progressOf(exp, NOBODY).source, 'journal')
  t.same(gapsOf(runStates(exp)).sort(), [
    ...['AGAIN: interrupted', 'GIVEN: interrupted', 'NEW: not started', 'UP: failed'],
  ])
  const heds = (...args: string[]) => upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
  t.match(heds('convergence', 'EXP001').stdout, /GIVEN .*\(interrupted\)/)
  t.match(heds('top-drugs', 'EXP001', 'true', 'C1', '1').stderr, 'no results: GIVEN: interrupted\n')
})

t.test('under a leader what is in its hands runs, and nothing else', async t => {
  const exp = await stopped(t.testdir())
  t.same(statesOf(exp, true), { ...statesOf(exp, false), GIVEN: 'running' })
  t.same(gather(exp, LED).content.counts, countsOf(exp, LED))
})

t.test('a leader that comes later tries again what failed; at the end it has failed', async t => {
  const exp = await stopped(t.testdir())
  const known = ['DONE', 'GIVEN', 'UP', 'AGAIN'].map(run => [
    ...[run, 1, run === 'DONE' ? finish : null, false],
  ])
  writeLife(exp.path, 2, [
    began(2, { runs: 5, finished: 1, begun: 4 }),
    { type: 'snapshot', part: 0, last: true, runs: known },
  ])
  t.match(statesOf(exp, false), { UP: 'interrupted', GIVEN: 'interrupted' })
  t.same(gather(exp, NOBODY).content.counts, countsOf(exp, NOBODY))
  const status = { exit: 5, reason: '', finished: 1, failed: 1, notStarted: 3, begun: 4 }
  const times = { started: '2026-01-01T00:00:00Z', ended: '2026-01-01T00:00:01Z' }
  fs.writeFileSync(layout.status(exp.path), JSON.stringify({ ...status, ...times }))
  t.match(statesOf(exp, false), { UP: 'failed' })
})

t.test('outputs that are cut or gone are told as damaged, with the reason', async t => {
  const whole = runs.map(run => ({ ...run, unfinished: false }))
  const folder = t.testdir()
  const exp = await makeSmallExp(folder, whole)
  const file = layout.testPredictions(exp.path, 'UP' as RunId)
  const size = fs.statSync(file).size
  fs.truncateSync(file, 40)
  fs.rmSync(layout.testScores(exp.path, 'AGAIN' as RunId))
  fs.writeFileSync(layout.marker(exp.path, 'NEW' as RunId), '{"run": "NE')
  const gaps = gapsOf(runStates(exp))
  t.same(gaps, [
    `UP: damaged (test_y_data_predicted.csv has 40 bytes, its marker says ${size})`,
    'AGAIN: damaged (test_scores.json is missing (ENOENT))',
    'NEW: damaged (its marker is none of ours or damaged)',
  ])
  t.match(countsOf(exp, NOBODY), { finished: 2, damaged: 3, interrupted: 0, failed: 0 })
  const { content } = gather(exp, NOBODY)
  t.equal(content.counts.damaged, 3)
  t.match(content.runs.find(r => r.run === 'UP')!.damage, /has 40 bytes/)
  const { stdout } = upfHeds(['progress', 'EXP001', '--verify'], folder, { CANDLE_DATA_DIR: '.' })
  t.match(stdout, /^damaged: +3, resume does them again$/m)
  const story = upfHeds(['explain', 'EXP001', 'UP'], folder, { CANDLE_DATA_DIR: '.' })
  t.match(story.stdout, /^UP: damaged after \d+ attempts?: .* has 40 bytes/)
})

t.test('a status.json that is cut, or somebody else’s, is as good as none', async t => {
  const exp = await stopped(t.testdir())
  for (const text of ['{"exit": 5, "rea', '{}', '[]', '{"exit": 0, "reason": 1}']) {
    fs.writeFileSync(layout.status(exp.path), text)
    t.match(progressOf(exp, NOBODY), { ended: null, source: 'journal' }, text)
    t.equal(gather(exp, NOBODY).content.experiment.ended, null, text)
  }
})
