import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runId } from '../../src/base/ids.js'
import { validateMarker, writeMarker } from '../../src/experiment/marker.js'

const RUN = runId('RUN000')!
const EXPECTED = { params: 'p', data: 'd', seed: 0 }

async function finished() {
  const exp = t.testdir({ run: { RUN000: { 'scores.json': '{}', 'result.txt': '1\n' } } })
  const outputs = ['scores.json', 'result.txt']
  await writeMarker(exp, RUN, { ...EXPECTED, attempt: 1, epochs: 3, reason: 'completed', outputs })
  return exp
}

t.test('what was written is valid', async t => {
  const exp = await finished()
  t.match(validateMarker(exp, RUN, EXPECTED, true), { valid: true, marker: { epochs: 3 } })
  t.strictSame(fs.readdirSync(join(exp, 'run/RUN000')).sort(), [
    'result.txt',
    'scores.json',
    'stop.marker',
  ])
})

t.test('anything else is not, and says why', async t => {
  const path = (exp: string, name: string) => join(exp, 'run/RUN000', name)
  for (const [why, harm, expected] of [
    [/no marker/, (e: string) => fs.rmSync(path(e, 'stop.marker')), EXPECTED],
    [/damaged/, (e: string) => fs.truncateSync(path(e, 'stop.marker'), 40), EXPECTED],
    [/damaged/, (e: string) => fs.writeFileSync(path(e, 'stop.marker'), ''), EXPECTED],
    [/missing/, (e: string) => fs.rmSync(path(e, 'result.txt')), EXPECTED],
    [
      /has 0 bytes, its marker says 2/,
      (e: string) => fs.truncateSync(path(e, 'result.txt')),
      EXPECTED,
    ],
    [/hyperparameters were others/, () => undefined, { ...EXPECTED, params: 'q' }],
    [/data was other/, () => undefined, { ...EXPECTED, data: 'e' }],
    [/seed was another/, () => undefined, { ...EXPECTED, seed: 1 }],
  ] as const) {
    const exp = await finished()
    harm(exp)
    t.match(validateMarker(exp, RUN, expected), { valid: false, why })
  }
})

t.test('changed bytes of the same length are seen with verify', async t => {
  const exp = await finished()
  fs.writeFileSync(join(exp, 'run/RUN000/result.txt'), '2\n')
  t.match(validateMarker(exp, RUN, EXPECTED), { valid: true })
  t.match(validateMarker(exp, RUN, EXPECTED, true), { valid: false, why: /other bytes/ })
})

t.test('a marker of another RUN is not valid here', async t => {
  const exp = await finished()
  const other = runId('RUN001')!
  fs.cpSync(join(exp, 'run/RUN000'), join(exp, 'run/RUN001'), { recursive: true })
  t.match(validateMarker(exp, other, EXPECTED), { valid: false, why: /that of RUN000/ })
})
