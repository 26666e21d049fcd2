import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadable } from '../train/loadable.js'
import { resultBytes, upfHeds } from './sweep.js'

/** As on a machine without a BLAS library. */
const NONE = { UPF_HEDS_BLAS: '/nowhere/libdnnl.so' }

function bench() {
  const cwd = t.testdir({
    'upf.txt': '{"id": "RUN000", "index": 0}\n',
    'dflts.json': JSON.stringify({
      epochs: 3,
      hyperparam_space: 'block',
      canc_arch: [32],
      drug_arch: [32],
      interaction_arch: [32],
    }),
  })
  upfHeds(['data', 'demo', 'data'], cwd)
  return cwd
}

const sweep = (...exp: string[]) => [
  ...['local', 'upf.txt', 'dflts.json', ...exp],
  ...['--data-source', 'data', '--threads', '2'],
]

function recorded(cwd: string, exp: string) {
  const text = fs.readFileSync(join(cwd, 'out', exp, 'exp.json'), 'utf8')
  const { settings, backendWhy } = JSON.parse(text) as {
    settings: { BACKEND: string }
    backendWhy: string
  }
  return { backend: settings.BACKEND, why: backendWhy }
}

t.test('an EXP records the backend that auto took, and a restart keeps it', async t => {
  const cwd = bench()
  const first = upfHeds(sweep(), cwd, NONE)
  t.equal(first.status, 0, first.stderr)
  const { backend, why } = recorded(cwd, 'EXP001')
  t.equal(backend, 'ort')
  t.match(why, /^ort: .*blas:blis do not load: UPF_HEDS_BLAS is \/nowhere/)
  t.match(first.stdout, `\nbackend ${why}\n`, 'told to who began it')
  t.match(fs.readFileSync(join(cwd, 'out/EXP001/out/out-000.txt'), 'utf8'), ` backend ${why}\n`)

  // where a faster one loads, what is carried over is still of the old one
  const restarted = upfHeds(sweep('EXP001'), cwd)
  t.equal(restarted.status, 0, restarted.stderr)
  t.equal(recorded(cwd, 'EXP002').backend, 'ort')
  t.match(restarted.stdout, /finished already/)
  t.notMatch(restarted.stdout, 'the fastest')
  t.strictSame(resultBytes(join(cwd, 'out/EXP002')), resultBytes(join(cwd, 'out/EXP001')))
})

const blas = loadable.find(({ name }) => name.startsWith('blas:'))
if (blas)
  t.test('resume keeps the library, and says so where it does not load', async t => {
    const cwd = bench()
    const first = upfHeds(sweep(), cwd)
    t.equal(first.status, 0, first.stderr)
    t.equal(recorded(cwd, 'EXP001').backend, blas.name)
    const wanted = resultBytes(join(cwd, 'out/EXP001'))
    fs.rmSync(join(cwd, 'out/EXP001/run/RUN000/stop.marker'))

    const refused = upfHeds(['resume', 'out/EXP001'], cwd, NONE)
    t.equal(refused.status, 2)
    t.match(
      refused.stderr,
      `BACKEND is "${blas.name}" (${blas.name} does not load: UPF_HEDS_BLAS is `,
    )
    const other = upfHeds(['resume', 'out/EXP001', '--backend', 'ort'], cwd)
    t.equal(other.status, 2)
    t.match(other.stderr, `BACKEND is ${blas.name} in`)

    const resumed = upfHeds(['resume', 'out/EXP001', '--backend', 'blas'], cwd)
    t.equal(resumed.status, 0, resumed.stderr)
    t.strictSame(resultBytes(join(cwd, 'out/EXP001')), wanted)
  })
