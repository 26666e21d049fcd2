import { readFileSync } from 'node:fs'
import t from 'tap'
import { variance } from '../../src/base/statistics.js'
import { scores } from '../../src/train/scores.js'

const NAMES = ['mse', 'rmse', 'pcc', 'scc', 'r2'] as const
type Case = { kind: string; y: number[]; p: number[] } & Record<
  (typeof NAMES)[number],
  number | null
>
const cases = JSON.parse(readFileSync('test/fixtures/oracles/scores.json', 'utf8')) as Case[]

t.test('scores are those of scikit-learn and SciPy, null where they have none', t => {
  t.same(
    cases.map(c => c.kind),
    ['plain', 'ties', 'constant p', 'constant y', 'single', 'large'],
  )
  for (const { kind, y, p, ...wanted } of cases) {
    const found = scores(Float64Array.from(y), Float64Array.from(p))
    for (const name of NAMES) {
      const [f, w] = [found[name], wanted[name]]
      if (w === null || f === null) t.equal(f, w, `${kind}: ${name}`)
      else t.ok(Math.abs(f - w) <= 1e-6 * Math.max(Math.abs(w), 1e-9), `${kind}: ${name} ${f} ${w}`)
    }
  }
  t.end()
})

t.test('no rows give nulls, not NaN', t => {
  const none = { mse: null, rmse: null, pcc: null, scc: null, r2: null }
  t.same(scores([], []), none)
  t.end()
})

t.test('NaN predictions give an end, and no number', t => {
  t.match(scores([0.1, 0.2, 0.4], [0.1, NaN, NaN]), { mse: NaN })
  t.end()
})

t.test('perfect and reversed order are 1 and -1 exactly', t => {
  const y = [0.1, 0.2, 0.4, 0.8]
  t.match(scores(y, y), { mse: 0, rmse: 0, pcc: 1, scc: 1, r2: 1 })
  t.equal(scores(y, [4, 3, 2, 1]).scc, -1)
  t.end()
})

t.test('a constant that float64 cannot average exactly still has no variance', t => {
  const y = new Float64Array(1001).fill(0.1)
  t.equal(variance(y), 0)
  const { pcc, scc, r2, mse } = scores(y, new Float32Array(1001).fill(0.3))
  t.same([pcc, scc, r2], [null, null, null])
  t.ok(Math.abs(mse! - 0.04) < 1e-7)
  t.end()
})

t.test('variance is that of the population', t => {
  t.equal(variance([1, 2, 3, 4]), 1.25)
  t.equal(variance([]), 0)
  t.end()
})
