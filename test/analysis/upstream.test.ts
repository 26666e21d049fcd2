import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readParquet } from '../../src/table/parquet.js'
import { upfHeds } from '../e2e/sweep.js'

/** An EXP as the original workflow leaves it: old markers, four decimals, links into another EXP, no exp.json. */
const predicted = [
  'auc_true,auc_pred,labels',
  '0.9145,0.3117,ACH-000956',
  '0.2939,0.3125,ACH-000001',
  '0.2941,0.3127,ACH-000001',
  '',
].join('\n')
const scores =
  '{\n    "mse": 0.25,\n    "rmse": 0.5,\n    "pcc": 0.1,\n    "scc": 0.2,\n    "r2": -1.0\n}'
const history = (losses: readonly number[]) =>
  `${JSON.stringify({ loss: losses, val_loss: losses, lr: losses })}\n`
const done = {
  'test_scores.json': scores,
  'val_scores.json': scores,
  'test_y_data_predicted.csv': predicted,
  'val_y_data_predicted.csv': predicted,
  'rank.txt': '3\n',
}
const info = (epoch: number, best: number) =>
  `${JSON.stringify({ epoch, save_best_metric: 'val_loss', best_metric_last: best, model_file: 'model.h5' })}\n`
const cwd = t.testdir({
  EXP011: {
    'hed-770.json':
      '# GEN JSONS\n# COUNT: 5\n' +
      [0, 1, 2, 3, 4].map(i => `{"id": "RUN00${i}", "index": ${i}}\n`).join(''),
    'dflts-e20-a6.json': '{"epochs": 20, "alpha": 6, "pre_module": "hed_setup"}\n',
    'jobid.txt': '1234567.aurora-pbs\n',
    'turbine.log':
      'PROCS:      24\nPPN:        12\nMPIEXEC TIME: 12345.6\nEXIT CODE: 0\nCOMPLETED: 2025-07-18 01:02:03\n',
    'turbine-env.txt': 'A=B\n',
    'output.txt': 'much\n',
    markers: { 'marker-001.txt': 'DONE\n' },
    out: { 'out-000.txt': 'batch: 1\n', 'summary-001.txt': '' },
    run: {
      RUN000: {
        ...done,
        'stop.marker': 'early stopping: 8/20\n',
        'history.txt': history([0.5, 0.4]),
        'result.txt': '0.4\n',
        ckpts: {
          best: t.fixture('symlink', '/lus/out/EXP283/run/RUN000/ckpts/epochs/002'),
          last: t.fixture('symlink', '/lus/out/EXP011/run/RUN000/ckpts/epochs/020'),
          epochs: {
            '002': { 'ckpt-info.json': info(2, 0.5), 'model.h5': 'best' },
            '018': { 'ckpt-info.json': info(18, 0.5), 'model.h5': 'old' },
            '019': { 'ckpt-info.json': info(19, 0.5), 'model.h5': 'old' },
            '020': { 'ckpt-info.json': info(20, 0.5), 'model.h5': 'last' },
          },
        },
      },
      RUN001: { ...done, 'result.txt': '0.3\n', 'history.txt': history([9, 8, 7, 6, 5, 4, 3]) },
      RUN002: {
        ...done,
        'stop.marker': 'early stopping: 7/20\n',
        'history.txt': history([3, 2, 1]),
      },
      RUN003: {
        'result.txt': 'RUN_EXCEPTION\n',
        'rank.txt': '2\n',
        ckpts: {
          epochs: Object.fromEntries(
            [8, 7, 4, 4, 4, 4, 4, 4, 4, 2].map((best, e) => [
              String(e + 1).padStart(3, '0'),
              { 'ckpt-info.json': info(e + 1, best) },
            ]),
          ),
        },
      },
    },
  },
})
const heds = (...args: string[]) => upfHeds(args, cwd, { CANDLE_DATA_DIR: '.' })

t.test('RUNs count by old markers, scores and predictions, with a warning', async t => {
  const { stdout, stderr, status } = heds('progress', 'EXP011', '--json')
  t.equal(status, 0, stderr)
  t.match(stderr, /of the original workflow/)
  t.match(JSON.parse(stdout), {
    ...{ job: '1234567', procs: 24, ppn: 12, epochs: 20, outs: 2, runs: 5, news: 4 },
    ...{ done: 3, failed: 1, notStarted: 1, time: 12345.6, ended: { exit: 0 } },
  })
  t.match(heds('progress', 'EXP011').stdout, /STOP: .*exit 0.* at 2025-07-18 01:02:03/)
})

t.test('epochs, scores and convergence are told from its files', async t => {
  t.equal(
    heds('epochs', 'EXP011').stdout,
    'RUN000 20\nRUN003 10\nRUN001 7\nRUN002 3 EARLY\nRUN004 0\nRUNs: 5\nepochs: 40\nearlies: 1 / 5\n',
    'RUN000 reached epoch 20, whatever its marker says',
  )
  const extracted = heds('extract', 'EXP011')
  t.equal(extracted.stdout, '000,0.250000000\n001,0.250000000\n002,0.250000000\n')
  t.match(extracted.stderr, /no score: RUN003: failed\nno score: RUN004: not started/)
  const { stdout, stderr } = heds('convergence', 'EXP011', '--json')
  const { runs } = JSON.parse(stdout) as { runs: { run: string; status: string }[] }
  t.same(
    runs.map(r => [r.run, r.status]),
    [
      ['RUN000', 'too short'],
      ['RUN001', 'still improving'],
      ['RUN002', 'early stop'],
      ['RUN003', 'still improving'],
    ],
  )
  t.match(stderr, 'judged by checkpoints, which never get worse: RUN003\n')
})

t.test('predictions are read; the id of a RUN stands for its drug', async t => {
  t.same(JSON.parse(heds('top-drugs', 'EXP011', 'true', 'ACH-000001', '1', '--json').stdout), [
    {
      ...{ run: 'RUN000', runs: ['RUN000'], drug: 'RUN000' },
      ...{ aucTrue: 0.294, aucPred: 0.3126, cell: 'ACH-000001' },
    },
  ])
  t.equal(heds('list_cells', 'EXP011').stdout, 'ACH-000956\nACH-000001\n')
  t.equal(heds('score-cells', 'EXP011', '--top', '2').status, 0)
  const { status, stderr } = heds('results', 'EXP011', '--val')
  t.equal(status, 0, stderr)
  const table = await readParquet(join(cwd, 'EXP011/results.parquet'))
  t.equal(table.rows, 3 * 6)
  t.same(table.categories('run').values, ['RUN000', 'RUN001', 'RUN002'])
})

t.test(
  'clean-ckpts keeps what the links into another EXP name, and every ckpt-info.json',
  async t => {
    const epochs = join(cwd, 'EXP011/run/RUN000/ckpts/epochs')
    const models = () =>
      fs.readdirSync(epochs).filter(name => fs.existsSync(join(epochs, name, 'model.h5')))
    const dry = heds('clean-ckpts', 'EXP011', '1', '--dry-run')
    t.match(dry.stdout, /^RUN000 {2}4 models, 2 would go \(6 B\): 018 019\n6 B would be free\n$/)
    t.equal(models().length, 4, 'nothing is gone yet')
    t.match(heds('clean-ckpts', 'EXP011', '1').stdout, /2 removed/)
    t.same(models(), ['002', '020'])
    t.equal(
      fs.readdirSync(epochs).every(name => fs.existsSync(join(epochs, name, 'ckpt-info.json'))),
      true,
    )
  },
)

t.test('export has what the original packs, and commands run on what is unpacked', async t => {
  const { status, stderr } = heds('export', 'EXP011')
  t.equal(status, 0, stderr)
  const folder = t.testdir({})
  fs.copyFileSync(join(cwd, 'EXP011/EXP011.tgz'), join(folder, 'x.tgz'))
  const { spawnSync } = await import('node:child_process')
  t.equal(spawnSync('tar', ['-xzf', 'x.tgz'], { cwd: folder }).status, 0)
  const names = fs.readdirSync(join(folder, 'EXP011'))
  for (const name of [
    'jobid.txt',
    'hed-770.json',
    'dflts-e20-a6.json',
    'scores.csv',
    'turbine.log',
  ])
    t.ok(names.includes(name), name)
  t.notOk(names.includes('output.txt'))
  t.notOk(fs.existsSync(join(folder, 'EXP011/run/RUN000/ckpts')))
  t.equal(
    upfHeds(['extract', 'EXP011'], folder, { CANDLE_DATA_DIR: '.' }).stdout,
    heds('extract', 'EXP011').stdout,
  )
})
