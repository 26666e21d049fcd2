import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, type SmallRun } from './small-exp.js'

const run = (id: string, index: number, error: number, more: Partial<SmallRun> = {}): SmallRun => ({
  ...{ id, resolved: { index, drug: `Drug_${index}` }, test: [['ACH-1', 0.5, 0.5 + error]] },
  ...more,
})

t.test('a line is index and score, as the original has it', async t => {
  const folder = t.testdir({})
  const exp = await makeSmallExp(folder, [run('B', 12, 0.5), run('A', 3, 0.25)])
  const heds = (...args: string[]) => upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
  const lines = '003,0.062500000\n012,0.250000000\n'
  t.match(heds('extract', 'EXP001'), { status: 0, stdout: lines, stderr: '' })
  t.equal(readFileSync(join(exp.path, 'scores.csv'), 'utf8'), lines)
  const withRuns = '003,0.062500000,A\n012,0.250000000,B\n'
  t.match(heds('extract', 'EXP001', '--runs'), { stdout: withRuns, stderr: '' })
  t.equal(readFileSync(join(exp.path, 'scores.csv'), 'utf8'), withRuns)
})

t.test('RUNs of one index are told apart, also before all of them have finished', async t => {
  const folder = t.testdir({})
  await makeSmallExp(folder, [
    run('S1', 3, 0.25, { params: { learning_rate: 1 } }),
    run('S0', 3, 0.5),
    run('X', 1, 0.125),
    run('LATE', 1, 0, { unfinished: true }),
  ])
  const heds = (...args: string[]) => upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
  const { stdout, stderr } = heds('extract', 'EXP001')
  t.equal(stdout, '001,0.015625000,X\n003,0.250000000,S0\n003,0.062500000,S1\n')
  t.equal(
    stderr,
    'several RUNs have one index: the third field of a line is its RUN\nno score: LATE: interrupted\n',
  )
  t.match(JSON.parse(heds('extract', 'EXP001', '--json').stdout), {
    repeated: true,
    rows: [{ run: 'X', index: 1 }, { run: 'S0' }, { run: 'S1' }],
  })
})
