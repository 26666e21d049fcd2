import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'

/** A small one of what `scripts/make-exp.mjs` makes. */
const cwd = t.testdir({})
const size = ['--drugs', '60', '--cells', '30', '--rows', '50', '--val', '40', '--ranks', '5']
const made = spawnSync(process.execPath, ['scripts/make-exp.mjs', cwd, ...size], {
  encoding: 'utf8',
})
const exp = join(cwd, 'out/EXP001')
const json = (...args: string[]) => {
  const { stdout, stderr } = upfHeds([...args, '--json'], cwd)
  return JSON.parse(stdout || `{"failed": ${JSON.stringify(stderr)}}`) as unknown
}

t.test('a made EXP is a valid one: markers, journal and status say the same', async t => {
  t.equal(made.status, 0, made.stderr)
  t.equal(made.stdout, `${exp}\n`)
  const counts = { runs: 60, done: 55, failed: 5, running: 0, notStarted: 0 }
  t.match(json('progress', exp), { ...counts, source: 'status', ended: { exit: 5 } })
  t.match(json('progress', exp, '--verify'), { ...counts, source: 'files' })
  const { status, stdout } = upfHeds(['journal', 'check', exp], cwd)
  t.equal(status, 0, stdout)
  t.match(stdout, /55 RUNs with a valid marker\nsound/)
})

t.test('it has what analyses are made for: curves of all kinds, failures, two jobs', async t => {
  const { counts, gaps } = json('convergence', exp) as {
    counts: Record<string, number>
    gaps: string[]
  }
  for (const status of ['converged', 'still improving', 'plateau', 'diverging', 'early stop'])
    t.ok(counts[status]! > 0, status)
  t.equal(gaps.length, 5)
  const [run] = gaps[0]!.split(':')
  const { stdout } = upfHeds(['explain', exp, run!], cwd)
  t.match(stdout, /attempt 2 .*(failed|memory|hung|crashed)/)
  const { top, recall } = json('score-cells', exp, '--top', '5') as {
    top: number
    recall: { mean: number }
  }
  t.equal(top, 5)
  t.ok(recall.mean > 0.3 && recall.mean < 1, 'better than chance, and not perfect')
})

t.test(
  'it could be true: times follow each other, and a model says the same of a pair each time',
  async t => {
    const read = (name: string) => fs.readFileSync(join(exp, name), 'utf8')
    const fields = (name: string) => JSON.parse(read(name)) as Record<string, string>
    const { created, version } = fields('exp.json')
    const { started, ended } = fields('status.json')
    const finished = fs
      .readdirSync(join(exp, 'run'))
      .filter(run => fs.existsSync(join(exp, 'run', run, 'stop.marker')))
    const markers = finished.map(run => fields(`run/${run}/stop.marker`)['time']!)
    t.ok(markers.every(time => created! < time && time < ended!))
    t.ok(created! < started! && Date.parse(ended!) < Date.now())
    t.equal(
      version,
      (JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }).version,
    )
    const rows = read(`run/${finished[0]!}/test_y_data_predicted.csv`).trim().split('\n').slice(1)
    const byCell = new Map<string, string[][]>()
    for (const row of rows) {
      const [truth, pred, cell] = row.split(',') as [string, string, string]
      byCell.set(cell, [...(byCell.get(cell) ?? []), [truth, pred]])
    }
    const again = [...byCell.values()].filter(pairs => pairs.length > 1)
    t.ok(again.length > 5)
    for (const pairs of again) {
      t.equal(new Set(pairs.map(([, pred]) => pred)).size, 1)
      t.ok(new Set(pairs.map(([truth]) => truth)).size > 1)
    }
  },
)

t.test('RUNs of other seeds hold the same drug out and predict it otherwise', async t => {
  const folder = t.testdir({})
  const few = ['--drugs', '4', '--cells', '8', '--rows', '9', '--val', '9', '--ranks', '2']
  const args = ['scripts/make-exp.mjs', folder, ...few, '--failures', '0', '--seeds', '2']
  t.equal(spawnSync(process.execPath, args).status, 0)
  const { rows } = JSON.parse(
    upfHeds(['extract', join(folder, 'out/EXP001'), '--json'], folder).stdout,
  ) as { rows: { run: string; index: number; value: number }[] }
  t.same(
    rows.map(r => r.run),
    [0, 1, 2, 3].flatMap(index => [`RUN00${index}`, `RUN00${index}-1`]),
  )
  t.equal(new Set(rows.map(r => r.value)).size, 8)
})
