import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { convergenceOf, judgeCurve } from '../../src/analysis/convergence.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp } from './small-exp.js'

/** The last five epochs are held against all before. */
const CURVES = {
  'still improving': [10, 9, 8, 7, 6, 5, 4],
  converged: [10, 1, 0.999, 0.998, 0.997, 0.996, 0.995],
  plateau: [10, 1, 1.01, 1.02, 1.01, 1.02, 1.05],
  diverging: [8, 1, 1.25, 1.25, 1.5, 1.5, 2],
  'too short': [5, 4, 3, 2, 1],
} as const

t.test('a curve is judged by its shape alone, whatever its scale', async t => {
  for (const [status, curve] of Object.entries(CURVES))
    for (const scale of [1, 4e-4, 1e6])
      t.equal(
        judgeCurve(
          curve.map(x => x * scale),
          false,
        ).status,
        status,
        `${status} × ${scale}`,
      )
  t.equal(judgeCurve(CURVES.diverging, true).status, 'early stop')
  t.equal(judgeCurve(CURVES['too short'], true).status, 'early stop')
  t.match(judgeCurve(CURVES.diverging, false), { gain: -0.25, rise: 0.5 })
  t.match(judgeCurve(CURVES['still improving'], false), { gain: 5 / 9, rise: 0.5 })
  t.equal(judgeCurve([0, 0, 0, 0, 0, 0], false).status, 'plateau', 'nothing is below 0')
})

t.test('every RUN that has an epoch is told of, in the state it is in', async t => {
  const folder = t.testdir({})
  const run = (id: string, valLoss: readonly number[], more = {}) => ({
    ...{ id, resolved: { index: 0, drug: 'D' }, test: [], valLoss, ...more },
  })
  const exp = await makeSmallExp(folder, [
    ...Object.values(CURVES).map((curve, i) => run(`RUN${i}`, curve)),
    run('EARLY', CURVES.plateau, { reason: 'early stopping' }),
    run('LATE', CURVES.diverging, { unfinished: true }),
    run('NEW', [], { unfinished: true }),
    run('LOST', []),
    run('EDITED', [0.5, 'low' as never, 0.4]),
  ])
  const { runs, counts, gaps, unknown } = convergenceOf(exp)
  t.same(unknown, ['LOST', 'EDITED'])
  t.same(
    runs.map(r => r.status),
    [...Object.keys(CURVES), 'early stop', 'diverging'],
  )
  t.match(runs[3], { best_epoch: 2, best_val_loss: 1, last_val_loss: 2, epochs: 7, seconds: 14 })
  t.match(counts, { diverging: 2, 'early stop': 1 })
  t.same(gaps, ['LATE: interrupted', 'NEW: interrupted'])
  const { stdout, stderr } = upfHeds(['convergence', 'EXP001'], folder, { CANDLE_DATA_DIR: '.' })
  t.match(stdout, /^run +epochs +best/)
  t.match(stdout, /LATE .* diverging \(interrupted\)\n[^]*diverging: 2 \(28\.6 %\)/)
  t.match(
    stderr,
    'no val_loss can be read: LOST\nno val_loss can be read: EDITED\nnot finished: LATE: interrupted',
  )
  const csv = readFileSync(join(exp.path, 'convergence.csv'), 'utf8').split('\n')
  t.equal(
    csv[0],
    'run,index,state,status,epochs,best_epoch,best_val_loss,last_val_loss,gain,rise,seconds',
  )
  t.match(csv[4], /^RUN3,0,finished,diverging,7,2,1,2,-0.25,0.5,14$/)
})
