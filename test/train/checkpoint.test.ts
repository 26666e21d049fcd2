import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crc32 } from '../../src/base/digest.js'
import { loadBest, loadLast, saveCheckpoint, type CkptPlace } from '../../src/train/checkpoint.js'
import { parseCkptInfo } from '../../src/train/ckpt-info.js'
import { keptEpochs } from '../../src/train/ckpt-keep.js'
import { NEW_STOPPING } from '../../src/train/early-stopping.js'
import { NO_HISTORY, writeHistory } from '../../src/train/history.js'
import { openModelStore } from '../../src/train/model-store.js'
import { LINE_SPEC, lineStart } from './linear-trainer.js'
import { CKPT } from './loop-bench.js'

const store = openModelStore()
t.teardown(() => store.close())

function place(directory: string, more: Partial<CkptPlace> = {}): CkptPlace {
  return {
    directory,
    options: CKPT,
    store,
    workName: 'work-1-2-abcd',
    fence: async () => undefined,
    spec: LINE_SPEC,
    optimiser: 'Adam',
    log: () => undefined,
    ...more,
  }
}

/** A checkpoint whose first weight is `mark`. */
function save(where: CkptPlace, epoch: number, isBest: boolean, mark = epoch): Promise<void> {
  const state = lineStart()
  state.weights[0] = mark
  const list = Array.from({ length: epoch }, (_, i) => 1 / (i + 1))
  return saveCheckpoint(where, {
    epoch,
    model: {
      spec: LINE_SPEC,
      widths: [3, 3],
      optimiser: 'Adam',
      learningRate: 0.25,
      state,
    },
    loop: {
      schedule: { rate: 0.1 + 0.2, best: null, wait: 0 },
      stopping: NEW_STOPPING,
      history: { ...NO_HISTORY, loss: list, val_loss: list },
    },
    metric: 1 / epoch,
    isBest,
    bestMetric: 1 / epoch,
    bestState: undefined,
  })
}

t.test('a checkpoint is a folder of two files, with relative links and a log', async t => {
  const directory = t.testdir()
  await save(place(directory), 1, true)
  await save(place(directory), 2, false)
  t.same(readdirSync(directory).sort(), ['best', 'ckpt.log', 'epochs', 'last'])
  t.equal(readlinkSync(join(directory, 'best')), 'epochs/001')
  t.equal(readlinkSync(join(directory, 'last')), 'epochs/002')
  t.same(readdirSync(join(directory, 'last')).sort(), ['ckpt-info.json', 'model.h5'])

  const text = readFileSync(join(directory, 'last', 'ckpt-info.json'), 'utf8')
  t.match(text, /^\{.*\}\n$/, 'one line')
  const info = JSON.parse(text)
  const keys = 'epoch save_best_metric best_metric_last model_file checksum timestamp time_elapsed'
  t.same(Object.keys(info), [...keys.split(' '), 'metadata', 'metric', 'state'])
  t.match(info, { epoch: 2, save_best_metric: 'val_loss', model_file: 'model.h5', metadata: null })
  t.equal(info.checksum, String(crc32(readFileSync(join(directory, 'last', 'model.h5')))))
  t.match(info.timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  t.type(info.time_elapsed, 'number')
  const first = readFileSync(join(directory, 'best', 'ckpt-info.json'), 'utf8')
  t.equal(parseCkptInfo(first).time_elapsed, '__FIRST__')
  for (const line of readFileSync(join(directory, 'ckpt.log'), 'utf8').trimEnd().split('\n'))
    t.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d CandleCkpt: \S/)
})

t.test('a state comes back from last and from best, doubles exactly', async t => {
  const directory = t.testdir()
  await save(place(directory), 1, true)
  await save(place(directory), 2, false)
  const last = await loadLast(place(directory))
  t.equal(last?.state.weights[0], 2)
  t.equal(last?.info.state.schedule.rate, 0.1 + 0.2)
  t.equal((await loadBest(place(directory)))?.state.weights[0], 1)
  t.equal(await loadLast(place(t.testdir())), undefined)
})

t.test('old epochs go, but never best or last, whoever wrote them', async t => {
  const directory = t.testdir()
  for (let epoch = 1; epoch <= 6; epoch++) await save(place(directory), epoch, epoch === 2)
  t.same(readdirSync(join(directory, 'epochs')), ['002', '004', '005', '006'])
  const next = place(directory, { workName: 'work-1-3-ffff', options: { ...CKPT, keepLimit: 1 } })
  await save(next, 7, false)
  t.same(readdirSync(join(directory, 'epochs')), ['002', '007'])
})

t.test('linear keeps the newest, exponential thins them out with their age', t => {
  const epochs = Array.from({ length: 20 }, (_, i) => i + 1)
  const kept = (keepMode: 'linear' | 'exponential' | 'all', keepLimit: number, named: number[]) =>
    [...keptEpochs(epochs, new Set(named), { keepMode, keepLimit })].sort((a, b) => a - b)
  t.same(kept('linear', 3, [5, 20]), [5, 18, 19, 20])
  t.same(kept('linear', 100, []), epochs)
  t.same(kept('linear', 0, [20]), [20])
  t.same(kept('all', 1, [20]), epochs)
  t.same(kept('exponential', 4, [5, 20]), [5, 13, 17, 19, 20])
  t.same(kept('linear', 2, [99]), [19, 20], 'a name without a folder keeps nothing')

  let held: number[] = []
  for (let epoch = 1; epoch <= 100; epoch++) {
    const limits = { keepMode: 'exponential', keepLimit: 5 } as const
    held = [...keptEpochs([...held, epoch], new Set([epoch]), limits)].sort((a, b) => a - b)
    t.ok(held.length <= 5)
  }
  t.ok(held[0]! <= 92 && held[0]! >= 84, `the oldest of ${held.join()} is 8 to 16 epochs old`)
  t.end()
})

t.test('what a dead attempt left half written goes; what a later one writes stays', async t => {
  const directory = t.testdir({
    'work-1-1-dead': { 'model.h5': 'half' },
    'work-1-1-dead-best': t.fixture('symlink', 'epochs/001'),
    'work-0-9-dead-replaced': {},
    'work-1-10-live': { 'model.h5': 'half' },
    'work-2-1-live': {},
  })
  await save(place(directory), 1, true)
  const left = readdirSync(directory).filter(name => name.startsWith('work-'))
  t.same(left.sort(), ['work-1-10-live', 'work-2-1-live'])
})

t.test('an epoch that is there already is replaced whole', async t => {
  const directory = t.testdir()
  await save(place(directory), 1, true, 5)
  writeFileSync(join(directory, 'epochs', '001', 'stray'), '')
  await save(place(directory), 1, true, 6)
  t.equal((await loadLast(place(directory)))?.state.weights[0], 6)
  t.same(readdirSync(join(directory, 'epochs', '001')).sort(), ['ckpt-info.json', 'model.h5'])
})

t.test('behind the fence nothing is renamed', async t => {
  const directory = t.testdir()
  await save(place(directory), 1, true)
  for (const allowed of [0, 1, 2]) {
    let calls = 0
    const fence = async () => {
      if (calls++ >= allowed) throw new Error('taken over')
    }
    await t.rejects(save(place(directory, { fence }), 2, true), { message: 'taken over' })
    t.equal(readdirSync(join(directory, 'epochs')).includes('002'), allowed > 0)
    t.equal(readlinkSync(join(directory, 'best')), allowed > 1 ? 'epochs/002' : 'epochs/001')
    t.equal(readlinkSync(join(directory, 'last')), 'epochs/001')
    t.equal((await loadLast(place(directory)))?.info.epoch, 1)
  }
})

t.test('a checkpoint of another model or of other data is not gone on from', async t => {
  const directory = t.testdir()
  const digests = { params: 'p', data: 'd' }
  await save(place(directory, { digests }), 1, true)
  const text = readFileSync(join(directory, 'last', 'ckpt-info.json'), 'utf8')
  const found = parseCkptInfo(text).digests
  t.match(found, { params: 'p', data: 'd', model: /^[0-9a-f]{64}$/ })
  const log: string[] = []
  const of = (more: Partial<CkptPlace>) =>
    loadLast(place(directory, { digests, log: text => log.push(text), ...more }))
  t.ok(await of({}))
  t.ok(await of({ digests: { params: 'with more epochs', data: 'd' } }))
  t.ok(await loadLast(place(directory)), 'nothing to compare with')
  t.equal(await of({ digests: { params: 'p', data: 'other' } }), undefined)
  const output = { ...LINE_SPEC.output, activation: 'linear' } as const
  t.equal(await of({ spec: { ...LINE_SPEC, output } }), undefined, 'of the same shape')
  t.match(log, [/epoch 1 is damaged: it is of other data/, /it is of another model/])
  await save(place(directory), 2, true)
  t.ok(await of({}), 'earlier versions wrote none')
})

t.test('the files beside model.h5 have checksums too', async t => {
  const directory = t.testdir()
  const where = place(directory, { options: { ...CKPT, dropOptimizer: true } })
  await save(where, 1, true)
  await save(where, 2, true)
  const last = join(directory, 'last')
  t.same(readdirSync(last).sort(), ['ckpt-info.json', 'model.h5', 'state.h5'])
  const state = readFileSync(join(last, 'state.h5'))
  t.match(parseCkptInfo(readFileSync(join(last, 'ckpt-info.json'), 'utf8')), {
    checksum: String(crc32(readFileSync(join(last, 'model.h5')))),
    checksums: { 'state.h5': String(crc32(state)) },
  })
  state[state.length >> 1]! ^= 1
  writeFileSync(join(last, 'state.h5'), state)
  t.equal((await loadLast(where))?.info.epoch, 1, 'a damaged one is found')
})

t.test('without checksums a checkpoint is still read, and says that it has none', async t => {
  const directory = t.testdir()
  const where = place(directory, { options: { ...CKPT, checksum: false } })
  await save(where, 3, true)
  t.equal((await loadLast(where))?.info.checksum, '__DISABLED__')
})

t.test('checkpoints of an earlier program are not taken for ours', async t => {
  const directory = t.testdir()
  const epoch = join(directory, 'epochs', '004')
  mkdirSync(epoch, { recursive: true })
  writeFileSync(join(epoch, 'ckpt-info.json'), '{"epoch":4,"checksum":"__DISABLED__"}\n')
  const log: string[] = []
  t.equal(await loadLast(place(directory, { log: text => log.push(text) })), undefined)
  t.match(log, [/epoch 4 is damaged: has no state/])
})

t.test('history.txt is one line of JSON', async t => {
  const path = join(t.testdir(), 'history.txt')
  await writeHistory(path, { ...NO_HISTORY, loss: [0.5], r2_val: [null] })
  const text = readFileSync(path, 'utf8')
  t.match(text, /^[^\n]+\n$/)
  t.same(Object.keys(JSON.parse(text)), Object.keys(NO_HISTORY))
})
