import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readParquet } from '../../src/table/parquet.js'
import { upfHeds } from '../e2e/sweep.js'

/** One RUN of each partition, over demo data. */
const cwd = t.testdir({
  'upf.txt': [
    '{"id": "DRUG", "index": 3}',
    '{"id": "CELL", "partition": "by_cell", "cell": "ACH-000005", "write_partitions": true}',
    '{"id": "SEED", "partition": "random", "seed": 9, "train_subset_data": true}',
  ].join('\n'),
  'dflts.json': JSON.stringify({
    epochs: 1,
    learning_rate: 3e-5,
    hyperparam_space: 'block',
    canc_arch: [8],
    drug_arch: [8],
    interaction_arch: [8],
  }),
  tmp: {},
})
upfHeds(['data', 'demo', 'data'], cwd)
const env = { DATA_SOURCE: 'data', THREADS: '1', TMP_ROOT: join(cwd, 'tmp') }
fs.chmodSync(join(cwd, 'tmp'), 0o700)
const swept = upfHeds(['local', 'upf.txt', 'dflts.json'], cwd, env)
const RUN = join(cwd, 'out/EXP001/run')
const text = (run: string, name: string) => fs.readFileSync(join(RUN, run, name), 'utf8')
const scores = (run: string) =>
  JSON.parse(text(run, 'test_scores.json')) as Record<string, number | string>
const lines = (run: string) => text(run, 'test_y_data_predicted.csv').trimEnd().split('\n').slice(1)

t.test('scores, predictions and test rows tell what was held out', async t => {
  t.equal(swept.status, 0, swept.stderr)
  t.strictSame(Object.keys(scores('DRUG')).slice(5), ['n', 'drug', 'index', 'cells'])
  t.strictSame(Object.keys(scores('CELL')).slice(5), ['n', 'cell', 'index', 'drugs'])
  t.match(scores('CELL'), { cell: 'ACH-000005', n: lines('CELL').length })
  t.strictSame(Object.keys(scores('SEED')).slice(5), ['n', 'cells', 'drugs'])
  for (const run of ['DRUG', 'CELL', 'SEED']) {
    const rows = await readParquet(join(RUN, run, 'rsp_test_data.parquet'))
    const cells = rows.categories('improve_sample_id')
    const drugs = rows.categories('improve_chem_id')
    const labels = run === 'CELL' ? drugs : cells
    t.strictSame(
      lines(run).map(line => line.split(',')[2]),
      Array.from(labels.codes, code => labels.values[code]),
      run,
    )
    if (run === 'CELL') t.strictSame(cells.values, ['ACH-000005'])
    if (run === 'SEED') t.ok(cells.values.length > 5 && drugs.values.length > 5)
  }
  const val = JSON.parse(text('SEED', 'val_scores.json')) as { n: number }
  t.ok(val.n <= 500, 'a subset')
})

t.test('train and val files are there as long as the RUN', async t => {
  const log = fs.readFileSync(join(cwd, 'out/EXP001/out/out-001.txt'), 'utf8')
  const [, folder] = /CELL: train and val rows are in (\S+) until the RUN ends/.exec(log) ?? []
  t.ok(folder?.startsWith(join(cwd, 'tmp')))
  t.notOk(fs.existsSync(folder!))
  t.equal(log.match(/train and val rows/g)?.length, 1)
})

t.test('the reports know cells and RUNs without an index', async t => {
  t.match(upfHeds(['explain', 'EXP001', 'CELL'], cwd).stdout, /cell "ACH-000005"/)
  const extracted = upfHeds(['extract', 'EXP001'], cwd)
  t.strictSame(
    extracted.stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split(',')[0]),
    ['DRUG', 'CELL', 'SEED'],
    'an index of a cell is not taken for one of a drug',
  )
  t.match(extracted.stderr, /a line begins with its RUN/)
  const top = upfHeds(['top-drugs', 'EXP001', 'true', 'ACH-000005', '99', '--json'], cwd)
  const drugs = JSON.parse(top.stdout) as { runs: string[]; drug: string; aucTrue: number }[]
  t.strictSame(
    drugs.map(d => d.aucTrue),
    drugs.map(d => d.aucTrue).sort(),
  )
  const own = drugs.filter(d => d.runs.includes('CELL')).map(d => d.drug)
  t.strictSame(own.sort(), [...new Set(lines('CELL').map(line => line.split(',')[2]))].sort())
  const random = upfHeds(['top-drugs', 'EXP001', 'pred', 'nobody', '3'], cwd)
  t.match(random, { status: 2, stderr: /no finished RUN has the cell "nobody"/ })
})

t.test('the command partition gives the rows of a RUN', async t => {
  for (const [run, ...args] of [
    ['DRUG', '--by', 'drug', '--index', '3'],
    ['CELL', '--by', 'by_cell', '--index', String(scores('CELL')['index'])],
    ['SEED', '--by', 'random', '--seed', '9'],
  ] as const) {
    const pattern = `parts/${run}_@@@`
    const all = ['partition', 'data/rsp_merged.parquet', pattern, ...args, '--features', 'data']
    const { status, stdout, stderr } = upfHeds([...all, '--json'], cwd)
    t.equal(status, 0, stderr)
    const sizes = JSON.parse(stdout) as { file: string; rows: number }[]
    t.same(
      sizes.map(s => s.file),
      ['train', 'val', 'test'].map(which => `parts/${run}_${which}.parquet`),
    )
    const whole = await readParquet(join(cwd, 'data/rsp_merged.parquet'))
    t.equal(
      sizes.reduce((sum, s) => sum + s.rows, 0),
      whole.rows,
    )
    const column = run === 'CELL' ? 'improve_chem_id' : 'improve_sample_id'
    for (const which of ['test', 'val'] as const) {
      if (run === 'SEED' && which === 'val') continue // it validates on a sample
      const part = await readParquet(join(cwd, `parts/${run}_${which}.parquet`))
      const { values, codes } = part.categories(column)
      const csv = text(run, `${which}_y_data_predicted.csv`).trimEnd().split('\n').slice(1)
      t.strictSame(
        csv.map(line => line.split(',')[2]),
        Array.from(codes, code => values[code]),
        `${run} ${which}`,
      )
      t.strictSame(
        csv.map(line => Number(line.split(',')[0])),
        [...part.numbers('auc')].map(auc => Number(auc.toFixed(6))),
      )
    }
    t.match(upfHeds(all, cwd), { status: 2, stderr: /_train.parquet: .*is there already/ })
  }
  for (const [args, message] of [
    [['x'], /PATTERN is "x", want @@@ in it/],
    [['@@@'], /--by drug without --index: the data has drugs 0 to 23/],
    [['@@@', '--index', '24'], /--index 24: the data has drugs 0 to 23/],
    [['@@@', '--index', '-1'], /--index is "-1"/],
    [['@@@', '--by', 'row'], /--by is "row", want drug, cell or random/],
    [['@@@', '--by', 'random', '--index', '1'], /--by random holds no one drug or cell out/],
  ] as const) {
    const { status, stderr } = upfHeds(['partition', 'data/rsp_merged.parquet', ...args], cwd)
    t.equal(status, 2)
    t.match(stderr, message)
  }
})

t.test('results know the drug of each row that was drawn at random', async t => {
  t.equal(upfHeds(['results', 'EXP001'], cwd).status, 0)
  const table = await readParquet(join(cwd, 'out/EXP001/results.parquet'))
  const column = (name: string) => {
    const { values, codes } = table.categories(name)
    return Array.from(codes, code => values[code])
  }
  const rows = await readParquet(join(RUN, 'SEED/rsp_test_data.parquet'))
  const { values, codes } = rows.categories('improve_chem_id')
  const runs = column('run')
  t.strictSame(
    column('drug').filter((_, row) => runs[row] === 'SEED'),
    Array.from(codes, code => values[code]),
  )
})

t.test('clean-ckpts leaves what best and last name', async t => {
  const models = (run: string) =>
    fs
      .readdirSync(join(RUN, run, 'ckpts/epochs'))
      .filter(name => fs.existsSync(join(RUN, run, 'ckpts/epochs', name, 'model.h5')))
  for (const epoch of ['000', '007'])
    // as if older and newer ones were there
    fs.cpSync(join(RUN, 'DRUG/ckpts/epochs/001'), join(RUN, 'DRUG/ckpts/epochs', epoch), {
      recursive: true,
    })
  t.match(upfHeds(['clean-ckpts', 'EXP001', '0', '--dry-run'], cwd).stdout, /would go .*: 000 007/)
  t.strictSame(models('DRUG'), ['000', '001', '007'])
  const { stdout } = upfHeds(['clean_ckpts', 'EXP001', '1', '--json'], cwd)
  t.match(JSON.parse(stdout), {
    dryRun: false,
    runs: [{ run: 'CELL', dropped: [] }, { run: 'DRUG', models: [0, 1, 7], dropped: [0] }, {}],
  })
  t.strictSame(models('DRUG'), ['001', '007'])
  t.equal(upfHeds(['clean-ckpts', 'EXP001', '0'], cwd).status, 0)
  t.strictSame(['DRUG', 'CELL', 'SEED'].flatMap(models), ['001', '001', '001'])
  t.equal(upfHeds(['predict', join(RUN, 'DRUG'), 'data', '--output', 'p.csv'], cwd).status, 0)
  t.match(upfHeds(['progress', 'EXP001', '--verify'], cwd).stdout, /DONE: +3/)
})

t.test('a key that does not go with the partition is told with the one that does', async t => {
  for (const [line, wanted] of [
    [{ partition: 'by_cell', index: 1, drug: 'Drug_001' }, /"drug" is "Drug_001", but "partition"/],
    [{ partition: 'by_cell' }, /has neither "index" nor "cell"/],
    [{ partition: 'by_cell', index: 9999 }, /"index" is 9999, the data has cells 0 to \d+/],
    [{ partition: 'by_cell', cell: 'x' }, /"cell" is "x", no cell of the data/],
    [{ partition: 'by_cell', index: 0, cell: 'ACH-000005' }, /"index" 0 is .*, but "cell" is/],
    [{ partition: 'random', index: 0 }, /"index" is 0, but .*its "seed" alone decides/],
    [{ index: 0, cell: 'x' }, /"cell" is "x", but "partition" is "by_drug"/],
    [
      { partition: 'drug', index: 0 },
      /"partition" is "drug", want one of by_drug, by_cell, random/,
    ],
    [{ partition: 'random', write_partitions: 1 }, /"write_partitions" is 1, want true or false/],
  ] as const) {
    fs.writeFileSync(join(cwd, 'bad.txt'), JSON.stringify({ id: 'A', ...line }))
    const { status, stderr } = upfHeds(['check', 'bad.txt', 'dflts.json'], cwd, env)
    t.equal(status, 2)
    t.match(stderr, wanted)
    t.equal(stderr.trim().split('\n').length, 2, 'one line and a hint')
  }
})
