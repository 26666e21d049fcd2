import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { recallOfTop } from '../../src/analysis/recall.js'
import { scoreCells, type CellScore } from '../../src/analysis/score-cells.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, type Row, type SmallRun } from './small-exp.js'

interface Sweep {
  readonly top: number
  readonly rows: readonly (readonly [drug: string, cell: string, t: number, p: number])[]
  readonly cells: readonly CellScore[]
}

/** A sweep with replicates and ties, and what pandas and SciPy say of it. */
const { sweep } = JSON.parse(readFileSync('test/fixtures/oracles/statistics.json', 'utf8')) as {
  sweep: Sweep
}

const drugs = [...new Set(sweep.rows.map(row => row[0]))]
const byDrug = drugs.map((drug, index): SmallRun => ({
  id: `RUN${index}`,
  resolved: { index, drug },
  test: sweep.rows.filter(row => row[0] === drug).map((row): Row => [row[1], row[2], row[3]]),
}))

t.test('recall, Spearman, mse and bias of each cell are those of pandas and SciPy', async t => {
  const exp = await makeSmallExp(t.testdir({}), byDrug)
  const { cells, recall } = scoreCells(exp, sweep.top)
  t.equal(cells.length, sweep.cells.length)
  for (const wanted of sweep.cells) {
    const found = cells.find(c => c.cell === wanted.cell)!
    for (const name of ['drugs', 'rows', 'recall', 'spearman', 'mse', 'bias'] as const)
      t.ok(Math.abs(found[name]! - wanted[name]!) < 1e-7, `${wanted.cell} ${name}: ${found[name]}`)
  }
  const mean = sweep.cells.reduce((sum, c) => sum + c.recall!, 0) / sweep.cells.length
  t.ok(Math.abs(recall.mean! - mean) < 1e-12)
  t.same(
    cells.map(c => c.mse),
    cells.map(c => c.mse).sort((a, b) => b - a),
    'the worst first',
  )
})

t.test('RUNs that hold a cell out say the same of it', async t => {
  const [wanted] = sweep.cells
  const rows = sweep.rows.filter(row => row[1] === wanted!.cell)
  const cell = { id: 'CELL', resolved: { index: 0, cell: wanted!.cell } }
  const test = rows.map((row): Row => [row[0], row[2], row[3]])
  const random: SmallRun = { id: 'SEED', resolved: {}, test: [['ACH-9', 0.5, 0.5]] }
  const exp = await makeSmallExp(t.testdir({}), [{ ...cell, test }, random])
  const { cells } = scoreCells(exp, sweep.top)
  t.equal(cells.length, 1, 'rows drawn at random do not name their drug')
  t.match(cells[0], { drugs: wanted!.drugs, rows: wanted!.rows, recall: wanted!.recall })
})

t.test(
  'the command prints, writes cells.csv and names what is missing and what was averaged',
  async t => {
    const folder = t.testdir({})
    const again = { ...byDrug[0]!, id: 'AGAIN' }
    const broken = { ...byDrug[1]!, id: 'LATE', unfinished: true }
    await makeSmallExp(folder, [...byDrug, again, broken])
    const heds = (...args: string[]) => upfHeds(args, folder, { CANDLE_DATA_DIR: '.' })
    const { status, stdout, stderr } = heds('score-cells', 'EXP001', '--top', '3')
    t.equal(status, 0, stderr)
    t.match(stdout, /^cell +drugs +rows +recall/)
    t.match(stdout, /recall of the true top 3: 0\.\d+ \(95 %: 0\.\d+ to 0\.\d+\) over 7 cells/)
    t.match(stderr, 'no results: LATE: interrupted\n')
    t.match(
      stderr,
      `1 drug held out by several RUNs; the mean of their predictions counts: ${drugs[0]}\n`,
    )
    const csv = readFileSync(join(folder, 'EXP001/cells.csv'), 'utf8').trimEnd().split('\n')
    t.equal(csv[0], 'cell,drugs,rows,recall,spearman,mse,bias')
    t.equal(csv.length, 8)
    const json = JSON.parse(heds('score-cells', 'EXP001', '--top', '99', '--json').stdout) as {
      recall: { mean: null }
      cells: CellScore[]
    }
    t.equal(json.recall.mean, null, 'fewer drugs than that say nothing')
    t.equal(json.cells[0]!.recall, null)
    t.match(heds('score-cells', 'EXP001', '--top', '0'), { status: 2, stderr: /--top is "0"/ })
    const cells = heds('list-cells', 'EXP001').stdout.trimEnd().split('\n')
    t.same(cells, [...new Set(sweep.rows.map(row => row[1]))], 'in order of first appearance')
  },
)

t.test('recall is the mean over all orders of what is equal', async t => {
  const level = fc.integer({ min: 0, max: 3 })
  const list = fc.array(fc.tuple(level, level), { minLength: 3, maxLength: 5 })
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 2 }), (pairs, top) => {
      const orders = permutations([...pairs.keys()])
      const tops = (values: readonly number[]) =>
        orders.map(
          order => new Set(order.toSorted((a, b) => values[a]! - values[b]!).slice(0, top)),
        )
      const [truth, pred] = [0, 1].map(side => pairs.map(pair => pair[side]!))
      const [inTrue, inPred] = [tops(truth!), tops(pred!)]
      let hits = 0
      for (const a of inTrue) for (const b of inPred) hits += both(a, b)
      const wanted = hits / (orders.length ** 2 * top)
      t.ok(Math.abs(recallOfTop(truth!, pred!, top)! - wanted) < 1e-12)
    }),
    { numRuns: 40 },
  )
  t.equal(recallOfTop([1, 2], [1, 2], 2), null)
})

function both(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  return [...a].filter(x => b.has(x)).length
}

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap(first =>
    permutations(items.filter(x => x !== first)).map(rest => [first, ...rest]),
  )
}
