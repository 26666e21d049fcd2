import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import * as layout from '../../src/experiment/layout.js'
import { runId } from '../../src/base/ids.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, type SmallRun } from './small-exp.js'

const RUNS: readonly SmallRun[] = ['R0', 'R1'].map((id, index) => ({
  id,
  resolved: { index, drug: `Drug_${index}` },
  test: [
    ['ACH-1', 0.25, 0.5],
    ['ACH-2', 0.75, 0.5],
  ],
}))

for (const spoilt of [['R0'], ['R1'], ['R0', 'R1']])
  t.test(`predictions of ${spoilt.join(' and ')} are garbled, and as long as before`, async t => {
    const folder = t.testdir({})
    const exp = await makeSmallExp(folder, RUNS)
    for (const id of spoilt) {
      const file = layout.testPredictions(exp.path, runId(id)!)
      const text = fs.readFileSync(file, 'utf8')
      const at = text.lastIndexOf('0.5')
      fs.writeFileSync(file, `${text.slice(0, at)}x.x${text.slice(at + 3)}`)
    }
    const rest = RUNS.length - spoilt.length
    for (const [command, ...args] of [
      ['results'],
      ['list-cells'],
      ['score-cells'],
      ['top-drugs', 'pred', 'ACH-1', '5'],
      ['report'],
      ['export'],
    ] as const) {
      const found = upfHeds([command, 'EXP001', ...args], folder)
      const hasNothing = rest === 0 && ['score-cells', 'top-drugs'].includes(command)
      t.equal(found.status, hasNothing ? 2 : 0, `${command}: ${found.stderr}`)
      t.notMatch(found.stderr, / {4}at /, 'no stack')
      if (command === 'export' || hasNothing) continue
      const told = `${found.stdout}${found.stderr}`.split('\n').filter(line => /csv:3:/.test(line))
      t.equal(told.length, spoilt.length, `${command}: ${told.join('\n')}`)
      for (const [i, line] of told.entries()) {
        t.match(line, `${spoilt[i]}`)
        t.match(line, /test_y_data_predicted\.csv:3: is "[^"]*x\.x[^"]*", want two numbers/)
      }
    }
    const val = layout.valPredictions(exp.path, runId('R0')!)
    fs.rmSync(val)
    const withVal = upfHeds(['results', 'EXP001', '--val'], folder)
    t.match(withVal, {
      status: 0,
      stderr: /^no results: R0: finished, and has no val predictions$/m,
    })
    t.ok(fs.existsSync(join(exp.path, 'EXP001.tgz')), 'what is sent tells all the same')
    const { stdout } = upfHeds(['results', 'EXP001', '--json'], folder)
    const rows = (JSON.parse(stdout) as { rows: number }[]).map(found => found.rows)
    t.strictSame(rows, [2 * rest, RUNS.length], 'of the others all; and every RUN')
  })
