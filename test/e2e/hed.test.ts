import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bench, dflts, sweep } from './small-hed.js'
import { resultBytes, treeBytes, upfHeds } from './sweep.js'

t.test('result bytes do not depend on the number of workers; all RUN files are there', async t => {
  const cwd = bench()
  for (const procs of ['2', '3', '5']) {
    const { status, stdout, stderr } = upfHeds(sweep('--procs', procs), cwd)
    t.equal(status, 0, stderr)
    t.match(stdout, /3 RUNs finished, 0 failed/)
  }
  const [one, two, four] = ['EXP001', 'EXP002', 'EXP003'].map(e => resultBytes(join(cwd, 'out', e)))
  t.notOk(Object.values(one!).includes('missing'), 'every result is there')
  t.strictSame(two, one)
  t.strictSame(four, one)
  const run = join(cwd, 'out/EXP001/run/RUN007')
  for (const name of [
    'stop.marker',
    'parameters.txt',
    'rank.txt',
    'history.txt',
    'rsp_test_data.parquet',
  ])
    t.ok(fs.existsSync(join(run, name)), name)
  const history = JSON.parse(fs.readFileSync(join(run, 'history.txt'), 'utf8'))
  t.equal(history.loss.length, 5)
  t.ok(history.loss[4] < history.loss[0], 'it learns')
  t.equal(fs.statSync(join(cwd, 'out/EXP001/.engine/keys.json')).mode & 0o777, 0o600)
  const status = JSON.parse(fs.readFileSync(join(cwd, 'out/EXP001/status.json'), 'utf8'))
  t.match(status, { exit: 0, finished: 3, failed: 0, notStarted: 0 })
})

t.test(
  'restart: finished RUNs are carried, drift is refused or accepted, the old EXP stays as it is',
  async t => {
    const cwd = bench(4)
    t.equal(upfHeds(sweep(), cwd).status, 0)
    const old = join(cwd, 'out/EXP001')
    const before = treeBytes(old)

    const whole = upfHeds(sweep('EXP001').slice(0, 3).concat(['EXP001'], sweep().slice(3)), cwd)
    t.equal(whole.status, 0, whole.stderr)
    t.match(whole.stdout, /nothing left to do, 3 RUNs finished/)
    t.strictSame(resultBytes(join(cwd, 'out/EXP002')), resultBytes(old))

    // one RUN without its marker goes on from its checkpoint; the others are not run again
    fs.rmSync(join(cwd, 'out/EXP002/run/RUN007/stop.marker'))
    const part = upfHeds(sweep().toSpliced(3, 0, 'EXP002'), cwd)
    t.equal(part.status, 0, part.stderr)
    t.match(part.stdout, /2 RUNs finished already, 1 to go on/)
    t.notMatch(part.stdout, /RUN000 running/)
    t.strictSame(resultBytes(join(cwd, 'out/EXP003')), resultBytes(old))

    const threads = upfHeds(sweep('--threads', '2').toSpliced(3, 0, 'EXP001'), cwd)
    t.equal(threads.status, 2)
    t.match(threads.stderr, /hyperparameters or data:\nTHREADS: 1 → 2\nhint: Give --threads 1, /)

    fs.writeFileSync(join(cwd, 'dflts.json'), dflts(4, { dropout: 0.3 }))
    const drift = upfHeds(sweep().toSpliced(3, 0, 'EXP001'), cwd)
    t.equal(drift.status, 2)
    t.match(drift.stderr, /RUN000: "dropout": 0.1 → 0.3/)
    t.match(drift.stderr, /^hint: Restore them, start without the EXP, or give --accept-drift/m)
    t.notOk(fs.existsSync(join(cwd, 'out/EXP004')), 'no EXP is left behind')

    fs.writeFileSync(join(cwd, 'dflts.json'), dflts(6))
    t.equal(upfHeds(sweep().toSpliced(3, 0, 'EXP001'), cwd).status, 2)
    const more = upfHeds(sweep('--accept-drift').toSpliced(3, 0, 'EXP001'), cwd)
    t.equal(more.status, 0, more.stderr)
    t.match(
      fs.readFileSync(join(cwd, 'out/EXP004/out/out-001.txt'), 'utf8'),
      /goes on from epoch 4/,
    )
    t.strictSame(treeBytes(old), before, 'the old EXP is unchanged to the byte')

    fs.rmSync(old, { recursive: true })
    t.notOk(
      Object.values(resultBytes(join(cwd, 'out/EXP002'))).includes('missing'),
      'it stands alone',
    )
  },
)

t.test('ckpt_drop_optimizer: smaller models, and finished RUNs stay finished', async t => {
  const cwd = bench()
  t.equal(upfHeds(sweep(), cwd).status, 0)
  fs.writeFileSync(join(cwd, 'dflts.json'), dflts(5, { ckpt_drop_optimizer: true }))
  t.equal(upfHeds(sweep(), cwd).status, 0)
  const model = (exp: string) => join(cwd, `out/${exp}/run/RUN007`)
  const size = (exp: string) => fs.statSync(join(model(exp), 'ckpts/best/model.h5')).size
  t.ok(size('EXP002') < size('EXP001'))
  t.same(fs.readdirSync(join(model('EXP002'), 'ckpts/last')).sort(), ['ckpt-info.json', 'model.h5'])
  const predicted = (exp: string) =>
    upfHeds(['predict', model(exp), 'data', '--threads', '1'], cwd).stdout
  t.equal(predicted('EXP002'), predicted('EXP001'))
  const onnx = (exp: string) => {
    const file = join(cwd, `${exp}.onnx`)
    t.match(upfHeds(['export-onnx', model(exp), '--output', file], cwd), { status: 0 })
    return fs.readFileSync(file)
  }
  t.ok(onnx('EXP001').equals(onnx('EXP002')))
  t.match(upfHeds(['resume', 'EXP002'], cwd), { status: 0, stdout: /3 RUNs finished/ })
  const again = upfHeds(sweep().toSpliced(3, 0, 'EXP002'), cwd)
  t.match(again, { status: 0, stdout: /nothing left to do, 3 RUNs finished/ })
  const [info] = ['EXP001', 'EXP002'].map(exp =>
    JSON.parse(fs.readFileSync(join(model(exp), 'ckpts/best/ckpt-info.json'), 'utf8')),
  )
  const marker = JSON.parse(fs.readFileSync(join(model('EXP001'), 'stop.marker'), 'utf8'))
  t.match(info.digests, { params: marker.params, data: marker.data }, 'as the marker has them')
})

t.test('the seed’s own UPF and DFLTS run as they are, epochs lowered in each line', async t => {
  const cwd = bench()
  const lines = fs.readFileSync('upf/seed.txt', 'utf8').replaceAll('}', ', "epochs": 1}')
  fs.writeFileSync(join(cwd, 'seed.txt'), lines)
  fs.copyFileSync('dflts/seed.json', join(cwd, 'seed.json'))
  const args = ['local', 'seed.txt', 'seed.json', '--data-source', 'data', '--threads', '2']
  const { status, stdout, stderr } = upfHeds(args, cwd)
  t.equal(status, 0, stderr)
  const notes = stdout.match(/replaced by ours.*/g)
  t.strictSame(notes, ['replaced by ours and not used: input_dir, post_module, pre_module'])

  const json = (...words: string[]) => JSON.parse(upfHeds([...words, '--json'], cwd).stdout)
  t.match(json('progress', 'EXP001'), { runs: 3, done: 3, failed: 0, running: 0, epochs: 1 })
  t.strictSame(json('epochs', 'EXP001', '1'), [
    { run: 'RUN000', epochs: 1, early: false },
    { run: 'RUN001', epochs: 1, early: false },
    { run: 'RUN002', epochs: 1, early: false },
  ])
  const scores = upfHeds(['extract', 'EXP001'], cwd).stdout
  t.match(scores, /^000,0\.\d{9}\n001,0\.\d{9}\n002,0\.\d{9}\n$/)
  t.equal(fs.readFileSync(join(cwd, 'out/EXP001/scores.csv'), 'utf8'), scores)
  const top = json('top-drugs', 'EXP001', 'true', 'ACH-000002', '3')
  const sorted = top.map((d: { aucTrue: number }) => d.aucTrue)
  t.strictSame(sorted, [...sorted].sort())
  t.match(upfHeds(['top-drugs', 'EXP001', 'true', 'ACH', '3'], cwd), {
    status: 2,
    stderr: /no finished RUN has the cell "ACH"/,
  })
})
