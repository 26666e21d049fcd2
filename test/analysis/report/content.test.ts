import * as fs from 'node:fs'
import t, { type Test } from 'tap'
import type { Group } from '../../../src/analysis/report/content.js'
import { gather } from '../../../src/analysis/report/gather.js'
import { scoreCells } from '../../../src/analysis/score-cells.js'
import * as layout from '../../../src/experiment/layout.js'
import { readPlan } from '../../../src/experiment/plan.js'
import { holdOut, madeExp, rowsOf, type Row } from './made-exp.js'

const exp = madeExp(t.testdir())
const NOBODY = { live: undefined, sign: undefined }
const plan = readPlan(exp.path)
const isFinished = (run: string) => fs.existsSync(layout.marker(exp.path, run as never))
const rows = plan.flatMap(({ run }) => (isFinished(run) ? rowsOf(exp, run) : []))
const drugOf = new Map(plan.map(p => [p.run as string, p.resolved['drug'] as string]))
const { content, blocks } = gather(exp, NOBODY)

function near(t: Test, found: number | null, wanted: number, what: string) {
  t.ok(Math.abs(found! - wanted) < 1e-9 + 1e-9 * Math.abs(wanted), `${what}: ${found} is ${wanted}`)
}

const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const mseOf = (of: readonly Row[]) => average(of.map(r => (r.aucPred - r.aucTrue) ** 2))
const biasOf = (of: readonly Row[]) => average(of.map(r => r.aucPred - r.aucTrue))

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) found.set(key(item), [...(found.get(key(item)) ?? []), item])
  return found
}

t.test('every RUN has its state, and those without a result say why', async t => {
  t.equal(content.runs.length, 12)
  t.equal(content.counts.finished, plan.filter(p => isFinished(p.run)).length)
  const failed = content.runs.filter(r => r.state === 'failed')
  t.equal(failed.length, 2)
  for (const { run, error } of failed) {
    const file = JSON.parse(fs.readFileSync(layout.error(exp.path, run as never), 'utf8'))
    t.same(error, {
      ...{ attempt: file.attempt, fate: file.fate, message: file.message },
      log: file.log,
    })
  }
})

t.test('the error of each drug is that of its rows', async t => {
  const [group] = content.groups
  t.equal(content.groups.length, 1)
  t.equal(group!.entries.length, content.counts.finished)
  const byRun = grouped(rows, r => r.run)
  for (const entry of group!.entries) {
    const { run } = content.runs[entry.runs[0]!]!
    t.equal(entry.runs.length, 1)
    t.same(entry.each, [], 'one RUN is what is told of the drug')
    const own = byRun.get(run)!
    t.equal(entry.name, drugOf.get(run))
    t.equal(entry.rows, own.length)
    near(t, entry.mse.mean, mseOf(own), `mse of ${run}`)
    near(t, entry.bias.mean, biasOf(own), `bias of ${run}`)
    t.ok(entry.mse.low! < entry.mse.mean && entry.mse.mean < entry.mse.high!, 'inside its interval')
    const pairs = grouped(own, r => r.label)
    const left = [...pairs.values()].flatMap(p => {
      const middle = average(p.map(r => r.aucTrue))
      return p.map(r => (r.aucTrue - middle) ** 2)
    })
    const freedom = own.length - pairs.size
    near(t, entry.noise, Math.sqrt(left.reduce((a, b) => a + b, 0) / freedom), 'replicates')
    const scores = JSON.parse(fs.readFileSync(layout.testScores(exp.path, run as never), 'utf8'))
    t.same([entry.r2, entry.pcc, entry.scc], [scores.r2, scores.pcc, scores.scc])
  }
  near(t, group!.rmse.mean, average([...byRun.values()].map(r => Math.sqrt(mseOf(r)))), 'mean RMSE')
  const sorted = [...byRun.values()].map(r => Math.sqrt(mseOf(r))).sort((a, b) => a - b)
  const at = (q: number) => {
    const [i, part] = [Math.floor(q * (sorted.length - 1)), (q * (sorted.length - 1)) % 1]
    return sorted[i]! * (1 - part) + (sorted[i + 1] ?? 0) * part
  }
  near(t, group!.fence, at(0.75) + 1.5 * (at(0.75) - at(0.25)), 'fence')
})

t.test('in the error of each cell every drug counts once, its replicates averaged', async t => {
  const byCell = grouped(rows, r => r.label)
  t.equal(content.groups[0]!.labels.length, byCell.size)
  const told = new Map(scoreCells(exp, 1).cells.map(c => [c.cell, c]))
  for (const { name, mse, bias, rows: count, entries } of content.groups[0]!.labels) {
    const own = byCell.get(name)!
    const drugs = [...grouped(own, r => r.run).values()].map((many): Row => ({
      ...many[0]!,
      aucTrue: average(many.map(r => r.aucTrue)),
      aucPred: average(many.map(r => r.aucPred)),
    }))
    t.equal(count, own.length)
    t.equal(entries, drugs.length)
    near(t, mse.mean, mseOf(drugs), `mse of ${name}`)
    near(t, bias.mean, biasOf(drugs), `bias of ${name}`)
    near(t, mse.mean, told.get(name)!.mse, 'as in cells.csv')
    near(t, bias.mean, told.get(name)!.bias, 'as in cells.csv')
  }
})

t.test('recall counts drugs whose replicates are averaged', async t => {
  const { recall } = content.groups[0]!
  for (const cell of recall!.cells) {
    const drugs = [
      ...grouped(
        rows.filter(r => r.label === cell.name),
        r => r.run,
      ),
    ].map(([run, own]) => ({
      run,
      aucTrue: average(own.map(r => r.aucTrue)),
      aucPred: average(own.map(r => r.aucPred)),
    }))
    t.equal(cell.drugs, drugs.length)
    const top = (key: 'aucTrue' | 'aucPred', k: number) =>
      [...drugs].sort((a, b) => a[key] - b[key]).slice(0, k)
    for (const [i, k] of recall!.sizes.entries()) {
      const hits = top('aucTrue', k).filter(d => top('aucPred', k).includes(d)).length
      if (drugs.length > k) near(t, cell.recall[i]!, hits / k, `top ${k} of ${cell.name}`)
      else t.equal(cell.recall[i], null)
    }
  }
  const five = recall!.sizes.indexOf(5)
  const known = recall!.cells.flatMap(c => c.recall[five] ?? [])
  near(t, recall!.curve[4]!.mean, average(known), 'mean recall of the top 5')
  near(
    t,
    recall!.curve[4]!.chance,
    average(recall!.cells.filter(c => c.drugs > 5).map(c => 5 / c.drugs)),
    'chance',
  )
})

t.test('recall and Spearman are those of score-cells, intervals as good as', async t => {
  const recall = content.groups[0]!.recall!
  const all = recall.curve.filter(c => c.cells === recall.cells.length)
  t.ok(all.length > 1, 'sizes at which every cell counts')
  for (const { k, mean, low, high } of all) {
    const told = scoreCells(exp, k)
    near(t, mean, told.recall.mean!, `top ${k}`)
    // the cells stand in another order: other draws
    t.ok(Math.abs(low! - told.recall.low!) < 0.02, `${low} is about ${told.recall.low}`)
    t.ok(Math.abs(high! - told.recall.high!) < 0.02, `${high} is about ${told.recall.high}`)
  }
  const { cells } = scoreCells(exp, 1)
  t.equal(cells.length, recall.cells.length)
  for (const { cell, spearman } of cells)
    near(t, recall.cells.find(c => c.name === cell)!.scc, spearman!, `Spearman of ${cell}`)
})

t.test('pairs and curves come back from their blocks', async t => {
  const [group] = content.groups
  const { entries, labels, pairs } = group!
  const bytes = blocks['pairs-0']!
  const plane = entries.length * labels.length
  let at = 0
  for (const [e, entry] of entries.entries()) {
    const own = grouped(rowsOf(exp, content.runs[entry.runs[0]!]!.run), r => r.label)
    for (const [l, { name }] of labels.entries()) {
      const found = own.get(name) ?? []
      t.equal(bytes[e * labels.length + l], found.length, `rows of ${entry.name} in ${name}`)
      if (found.length === 0) continue
      const value = (column: number) =>
        pairs.low +
        pairs.step *
          (bytes[plane + 2 * column * pairs.count + at]! +
            256 * bytes[plane + (2 * column + 1) * pairs.count + at]!)
      const isNear = (a: number, b: number) => Math.abs(a - b) <= pairs.step / 2 + 1e-9
      t.ok(isNear(value(0), average(found.map(r => r.aucTrue))), 'true')
      t.ok(isNear(value(1), average(found.map(r => r.aucPred))), 'predicted')
      at++
    }
  }
  t.equal(at, pairs.count)
  const curves = new Float32Array(new Uint8Array(blocks['curves']!).buffer)
  const total = content.runs.reduce((sum, r) => sum + r.epochs, 0)
  t.equal(curves.length, 3 * total)
  let epoch = 0
  for (const { run, epochs } of content.runs) {
    const history = JSON.parse(fs.readFileSync(layout.history(exp.path, run as never), 'utf8'))
    const values = [history.val_loss, history.loss, history.seconds] as number[][]
    values.forEach((column, c) =>
      t.same(
        [...curves.slice(c * total + epoch, c * total + epoch + epochs)],
        column.map(Math.fround),
      ),
    )
    epoch += epochs
  }
})

t.test('RUNs are told by what they hold out, and those of one drug are averaged', async t => {
  const other = madeExp(t.testdir())
  const runs = readPlan(other.path).filter(p => fs.existsSync(layout.marker(other.path, p.run)))
  const [a, b, c, d, e] = runs.map(r => r.run)
  holdOut(other, p =>
    p.run === b
      ? { ...p, resolved: { ...p.resolved, drug: drugOf.get(a!)! } }
      : p.run === c || p.run === d
        ? { ...p, resolved: { index: 0, cell: 'ACH-000001' } }
        : p.run === e
          ? { ...p, resolved: {} }
          : p,
  )
  const groups = gather(other, NOBODY).content.groups
  const of = (by: Group['by']) => groups.find(g => g.by === by)!
  t.same(groups.map(g => [g.by, g.labelled, g.entries.length]).sort(), [
    ['cell', 'drug', 1],
    ['drug', 'cell', runs.length - 4],
    ['random', 'cell', 1],
  ])
  t.equal(of('random').recall, null, 'random rows name no drugs')
  t.equal(of('cell').recall!.cells.length, 1, 'two RUNs of one cell are one cell')
  t.ok(
    of('drug').recall!.cells.every(cell => cell.drugs <= runs.length - 4),
    'one drug less',
  )
})

t.test('what is damaged is a note, not an error', async t => {
  const other = madeExp(t.testdir())
  const [first, second] = readPlan(other.path).filter(p =>
    fs.existsSync(layout.marker(other.path, p.run)),
  )
  const predictions = layout.testPredictions(other.path, first!.run)
  const text = fs.readFileSync(predictions, 'utf8')
  fs.writeFileSync(predictions, text.replace(/^0\.\d{6}/m, 'x'.repeat(8)))
  const scores = layout.testScores(other.path, second!.run)
  fs.writeFileSync(scores, fs.readFileSync(scores, 'utf8').replace(/"mse":( ?)0\./, '"mse":$19.'))
  const failed = content.runs.find(r => r.state === 'failed')!.run
  fs.writeFileSync(layout.history(other.path, failed as never), '{"loss": [')
  const found = gather(other, NOBODY).content
  t.equal(found.groups[0]!.entries.length, found.counts.finished - 1)
  t.match(
    found.notes.join('\n'),
    new RegExp(`${first!.run} is left out of the errors: .*:2: is "xxxx`),
  )
  t.equal(found.runs.find(r => r.run === failed)!.epochs, 0)
  t.match(found.notes.join('\n'), new RegExp(`mse of test_scores.json is not .* ${second!.run}`))
})
