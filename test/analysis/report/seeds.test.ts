import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { gather } from '../../../src/analysis/report/gather.js'
import { summaryLines, summaryOf } from '../../../src/analysis/report/summary.js'
import { runStates } from '../../../src/analysis/run-state.js'
import { scoreCells } from '../../../src/analysis/score-cells.js'
import { topDrugs } from '../../../src/analysis/top-drugs.js'
import { upfHeds } from '../../e2e/sweep.js'
import { makeSmallExp, type Row, type SmallRun } from '../small-exp.js'

type Key = 'rows' | 'mse' | 'bias' | 'noise' | 'r2' | 'pcc' | 'scc' | 'mse_low' | 'mse_high'
type Drug = Record<Key, number> & { drug: string; runs: string[]; each: number[] }

/** What pandas, SciPy and NumPy say of a sweep with several seeds of some drugs: see the README beside it. */
const oracle = JSON.parse(readFileSync('test/fixtures/oracles/seeds.json', 'utf8')) as {
  rows: [run: string, drug: string, seed: number, cell: string, t: number, p: number][]
  drugs: Drug[]
  rmse: { mean: number; low: number; high: number }
  fence: number
  tail: string[]
  cells: {
    cell: string
    drugs: number
    rows: number
    mse: number
    bias: number
    spearman: number
  }[]
  top: { cell: string; drugs: [drug: string, t: number, p: number][] }
}

const NOBODY = { live: undefined, sign: undefined }
const ids = [...new Set(oracle.rows.map(row => row[0]))]
const runs = ids.map((id): SmallRun => {
  const own = oracle.rows.filter(row => row[0] === id)
  const [, drug, seed] = own[0]!
  const test = own.map((row): Row => [row[3], row[4], row[5]])
  return { id, resolved: { index: Number(drug.slice(1)), drug }, params: { seed }, test }
})
// seeds of one drug lie apart, as in a UPF that goes through the drugs seed by seed
const bySeed = runs.toSorted((a, b) => Number(a.params!['seed']) - Number(b.params!['seed']))
const folder = t.testdir()
const exp = await makeSmallExp(folder, bySeed)
const { content } = gather(exp, NOBODY)
const [group] = content.groups

function near(t: Test, found: number | null, wanted: number, what: string, within = 1e-6) {
  t.ok(Math.abs(found! - wanted) < within, `${what}: ${found} is ${wanted}`)
}

t.test('a drug with several seeds is one drug, its error over the rows of all', async t => {
  t.equal(content.groups.length, 1)
  t.equal(group!.entries.length, oracle.drugs.length)
  for (const wanted of oracle.drugs) {
    const entry = group!.entries.find(e => e.name === wanted.drug)!
    t.same(entry.runs.map(r => content.runs[r]!.run).sort(), wanted.runs.toSorted())
    t.equal(entry.rows, wanted.rows)
    near(t, entry.mse.mean, wanted.mse, `mse of ${wanted.drug}`)
    near(t, entry.bias.mean, wanted.bias, 'bias')
    for (const key of ['noise', 'r2', 'pcc', 'scc'] as const)
      near(t, entry[key], wanted[key], key, 1e-5)
    const width = wanted.mse_high - wanted.mse_low
    // an end's own error at 1,000 draws is about a twentieth of the width
    near(t, entry.mse.low, wanted.mse_low, 'low end', 0.15 * width)
    near(t, entry.mse.high, wanted.mse_high, 'high end', 0.15 * width)
    if (wanted.runs.length === 1) t.same(entry.each, [])
    else
      for (const [i, mse] of wanted.each.entries())
        near(t, entry.each[i]!.mse, mse, `mse of ${wanted.runs[i]}`)
  }
})

t.test('the mean over drugs, its interval and the tail count each drug once', async t => {
  near(t, group!.rmse.mean, oracle.rmse.mean, 'mean RMSE')
  const width = oracle.rmse.high - oracle.rmse.low
  near(t, group!.rmse.low, oracle.rmse.low, 'low end', 0.06 * width)
  near(t, group!.rmse.high, oracle.rmse.high, 'high end', 0.06 * width)
  near(t, group!.fence, oracle.fence, 'fence')
  const summary = summaryOf(content)
  t.same(
    summary.groups[0]!.tail!.map(e => e.name),
    oracle.tail.toSorted().reverse(),
    'D7, which is far off, first',
  )
  t.match(summary.groups[0], { entries: 9, runs: 13 })
  t.match(summaryLines(summary)[1], /^RMSE of 9 held-out drugs \(13 RUNs\): mean 0\.\d{4} \[/)
})

t.test('the report and cells.csv say the same of a cell', async t => {
  const told = scoreCells(exp, 3).cells
  t.equal(group!.labels.length, oracle.cells.length)
  for (const wanted of oracle.cells) {
    const label = group!.labels.find(l => l.name === wanted.cell)!
    const found = told.find(c => c.cell === wanted.cell)!
    t.match(found, { drugs: wanted.drugs, rows: wanted.rows })
    t.match(label, { entries: wanted.drugs, rows: wanted.rows })
    for (const mse of [label.mse.mean, found.mse]) near(t, mse, wanted.mse, `mse of ${wanted.cell}`)
    for (const bias of [label.bias.mean, found.bias]) near(t, bias, wanted.bias, 'bias')
    const ranked = group!.recall!.cells.find(c => c.name === wanted.cell)!
    for (const scc of [ranked.scc, found.spearman]) near(t, scc, wanted.spearman, 'Spearman')
  }
})

t.test('top-drugs tells of each drug once, with the mean over its RUNs', async t => {
  const { cell, drugs } = oracle.top
  const found = topDrugs(exp, 'true', cell, drugs.length, runStates(exp), gap => t.fail(gap))
  t.same(
    found.map(d => d.drug),
    drugs.map(([drug]) => drug),
  )
  for (const [i, [drug, aucTrue, aucPred]] of drugs.entries()) {
    near(t, found[i]!.aucTrue, aucTrue, `true of ${drug}`)
    near(t, found[i]!.aucPred, aucPred, `predicted of ${drug}`)
  }
  t.same(found[0]!.runs, ['D0-s0', 'D0-s1', 'D0-s2'])
  const { stdout, stderr } = upfHeds(['top-drugs', 'EXP001', 'true', cell, '2'], folder, {
    CANDLE_DATA_DIR: '.',
  })
  t.match(stdout, /^run +drug +auc_true +auc_pred +cell\nD0-s0\+2 +D0 +0\.1910 +0\.2000 +ACH-05\n/)
  t.equal(
    stderr,
    '1 drug of several RUNs, whose mean is shown: D0-s0+2 stands for D0-s0, D0-s1, D0-s2\n',
  )
})

t.test('RUNs of one drug that differ by more than their seed are named', async t => {
  t.same(content.notes, [], 'seeds alone are no news')
  const other = bySeed.map(run =>
    run.id === 'D4-s1' ? { ...run, params: { ...run.params, dropout: 0.3 } } : run,
  )
  const { notes } = gather(await makeSmallExp(t.testdir(), other), NOBODY).content
  t.match(notes, [/^the RUNs of D4 differ by more than their seed \(dropout\): /])
})
