import t from 'tap'
import { verdict } from '../../src/cli/list-backends.js'
import { backendNames } from '../../src/train/backends/registry.js'
import type { Trial } from '../../src/train/backends/trial.js'
import { upfHeds } from '../e2e/sweep.js'
import { loadable } from '../train/loadable.js'

const cwd = t.testdir()
const NONE = { UPF_HEDS_BLAS: '/nowhere/libdnnl.so' }

const kind = loadable.find(({ name }) => name.startsWith('blas:')) ? 'blas' : 'ort'

t.test(
  'those of a kind are listed with what they are worth here, and which one is taken',
  async t => {
    const args = ['backends', '--json', '--threads', '2', '--backend', kind]
    const { status, stdout, stderr } = upfHeds(args, cwd)
    t.equal(status, 0, stderr)
    const { threads, backends, choice } = JSON.parse(stdout) as {
      threads: number
      backends: Trial[]
      choice: { name: string; why: string }
    }
    t.equal(threads, 2)
    t.strictSame(
      backends.map(({ name }) => name),
      backendNames.filter(name => name.startsWith(kind)),
    )
    const loading = loadable.map(({ name }) => name).filter(name => name.startsWith(kind))
    for (const { name, loads, selfTest, samplesPerSecond, library, problem } of backends) {
      t.equal(loads, loading.includes(name), name)
      t.equal(selfTest, loads ? 'ok' : null, `${name}: ${problem}`)
      if (loads) t.ok(samplesPerSecond! > 0, `${name}: ${samplesPerSecond} samples/s`)
      if (loads) t.match(library, /\d+\.\d+/)
      else t.match(problem, /^[^\n]+$/)
    }
    t.equal(choice.name, loading[0])
    t.match(choice.why, kind === 'ort' ? 'ort: asked for' : 'the fastest that loads here')
  },
)

t.test('one alone is tried, in a table', async t => {
  const { status, stdout } = upfHeds(['backends', '--backend', 'ort', '--threads', '1'], cwd)
  t.equal(status, 0)
  t.match(
    stdout,
    /^backend +loads +self-test +samples\/s +library\nort +yes +ok +[\d.e+]+ +onnxruntime [\d.]+\n$/,
  )
})

t.test('a kind of which none loads is refused after its table', async t => {
  const { status, stdout, stderr } = upfHeds(['backends', '--backend', 'blas'], cwd, NONE)
  t.equal(status, 2)
  t.match(stdout, /\nblas:mkl +no +- +- +UPF_HEDS_BLAS is \/nowhere/)
  t.match(stderr, /^upf-heds: BACKEND is "blas" \(.*\)[^\n]*\nhint: .*UPF_HEDS_BLAS[^\n]*\n$/)
})

t.test('words that mean none are refused', async t => {
  for (const args of [
    ['--backend', 'abacus'],
    ['--threads', 'many'],
    ['--threads', '0'],
  ]) {
    const { status, stdout, stderr } = upfHeds(['backends', ...args], cwd)
    t.equal(status, 2)
    t.equal(stdout, '')
    t.match(stderr, args[1]!)
  }
})

const trial = (name: string, more: Partial<Trial> = {}): Trial => ({
  ...{ name, loads: true, library: null, selfTest: 'ok', samplesPerSecond: 100, problem: null },
  ...more,
})
const first = { name: 'first', why: 'first: the fastest that loads here; none does not load: x' }

t.test('a choice that fails its self-test is an error that names one that passes', async t => {
  const wrong = trial('first', { selfTest: 'failed', problem: 'crashes: SIGSEGV' })
  t.throws(() => verdict('auto', first, [wrong, trial('second')]), {
    kind: 'FAILED',
    message: 'first, which auto takes, fails its self-test: crashes: SIGSEGV',
    hint: 'Set BACKEND=second.',
  })
  t.throws(() => verdict('auto', { problem: 'choosing a backend hangs' }, [trial('second')]), {
    kind: 'USAGE',
    message: 'choosing a backend hangs',
    hint: 'Set BACKEND=second.',
  })
})

t.test('the choice is told, and one that is clearly faster', async t => {
  const takes = 'auto takes first: the fastest that loads here'
  const other = (samplesPerSecond: number | null, selfTest: Trial['selfTest'] = 'ok') =>
    verdict('auto', first, [trial('first'), trial('second', { samplesPerSecond, selfTest })])
  t.strictSame(other(110), [takes])
  t.strictSame(other(null), [takes])
  t.strictSame(other(200, 'failed'), [takes])
  t.strictSame(other(200), [takes, 'second was faster here: BACKEND=second takes it'])
  const shorter = trial('torch:cuda:bf16', { samplesPerSecond: 999 })
  t.strictSame(verdict('auto', first, [trial('first'), shorter]), [takes], 'rounding is no gain')
  t.strictSame(verdict('first', first, [trial('first')]), [])
})
