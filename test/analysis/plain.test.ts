import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'
import { madeExp, rowsOf, type Row } from './report/made-exp.js'

/** What commands say of a made EXP, against the plainest reading of its files: no code of ours between. */
const exp = madeExp(t.testdir({}))
const file = (run: string, name: string) => join(exp.path, 'run', run, name)
const isFinished = (run: string) => fs.existsSync(file(run, 'stop.marker'))
const all = fs.readdirSync(join(exp.path, 'run')).sort()
const finished = all.filter(isFinished)
const rows = finished.flatMap(run => rowsOf(exp, run))
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

function json(...args: string[]): unknown {
  const { stdout, stderr, status } = upfHeds([...args, '--json'], exp.path)
  t.equal(status, 0, stderr)
  return JSON.parse(stdout) as unknown
}

t.test('the EXP is one to learn from', async t => {
  t.ok(finished.length > 5 && finished.length < all.length, 'some RUNs failed')
  t.ok(new Set(rows.map(r => `${r.run} ${r.label}`)).size < rows.length, 'replicates')
})

t.test('extract: mse of the predictions, by index', async t => {
  const found = json('extract', exp.path) as {
    rows: { run: string; index: number; value: number }[]
    gaps: string[]
  }
  t.same(
    found.rows.map(r => r.run),
    finished,
  )
  for (const { run, index, value } of found.rows) {
    const mse = mean(rows.filter(r => r.run === run).map(r => (r.aucTrue - r.aucPred) ** 2))
    t.ok(Math.abs(value - mse) < 1e-6, `${run}: ${value}, by six decimals ${mse}`)
    t.equal(index, Number(run.slice(3)))
  }
  t.equal(found.gaps.length, all.length - finished.length)
})

t.test('epochs: as many as history.txt has', async t => {
  const found = json('epochs', exp.path) as { run: string; epochs: number }[]
  const wanted = all.map(run => {
    const history = JSON.parse(fs.readFileSync(file(run, 'history.txt'), 'utf8')) as {
      loss: number[]
    }
    const marker = isFinished(run) ? fs.readFileSync(file(run, 'stop.marker'), 'utf8') : ''
    return { run, epochs: history.loss.length, early: marker.includes('"early stopping"') }
  })
  const byRun = (a: { run: string }, b: { run: string }) => (a.run < b.run ? -1 : 1)
  t.same(found.toSorted(byRun), wanted)
  t.same(
    found.map(r => r.epochs),
    wanted.map(r => r.epochs).sort((a, b) => b - a),
    'most first',
  )
})

t.test('top-drugs: lowest mean over replicates, and match: what both lists have', async t => {
  const cells = [...new Set(rows.map(r => r.label))]
  t.same(json('list-cells', exp.path), cells)
  for (const cell of cells.slice(0, 3)) {
    const mine = finished.flatMap(run => {
      const own = rows.filter(r => r.run === run && r.label === cell)
      return own.length > 0 ? [own] : []
    })
    const lists = (['aucTrue', 'aucPred'] as const).map((side, i) => {
      const wanted = mine
        .map(own => ({ run: own[0]!.run, value: mean(own.map((r: Row) => r[side])) }))
        .sort((a, b) => a.value - b.value)
        .slice(0, 4)
      const type = ['true', 'pred'][i]!
      const found = json('top-drugs', exp.path, type, cell, '4') as Top[]
      t.same(
        found.map(d => d.run),
        wanted.map(d => d.run),
        `${cell} ${type}`,
      )
      for (const [place, drug] of found.entries())
        t.ok(Math.abs(drug[side] - wanted[place]!.value) < 1e-12)
      fs.writeFileSync(join(exp.path, `${type}.list`), JSON.stringify(found))
      return new Set(wanted.map(d => d.run))
    })
    const both = [...lists[0]!].filter(run => lists[1]!.has(run)).length
    t.match(json('match', 'true.list', 'pred.list'), { total: 4, share: both / 4 })
  }
})

interface Top {
  readonly run: string
  readonly aucTrue: number
  readonly aucPred: number
}

t.test('clean-ckpts: the bytes of all models but the newest and what a link names', async t => {
  const [run] = finished
  for (const epoch of [1, 2, 3, 4]) {
    const path = file(run!, `ckpts/epochs/00${epoch}`)
    fs.mkdirSync(path, { recursive: true })
    fs.writeFileSync(join(path, 'model.h5'), 'x'.repeat(10 ** epoch))
  }
  fs.symlinkSync('epochs/002', file(run!, 'ckpts/best'))
  fs.symlinkSync('epochs/004', file(run!, 'ckpts/last'))
  const found = json('clean-ckpts', exp.path, '1', '--dry-run')
  t.match(found, { bytes: 1010, runs: [{ run, models: [1, 2, 3, 4], dropped: [1, 3] }] })
  json('clean-ckpts', exp.path, '1')
  t.same(
    [1, 2, 3, 4].map(e => fs.existsSync(file(run!, `ckpts/epochs/00${e}/model.h5`))),
    [false, true, false, true],
  )
})
