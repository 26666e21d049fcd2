import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'

/** The loss mae_poly once more, as a user would write it. */
const MAE_POLY = `export function construct({ alpha }) {
  const weight = y => (1 - y) ** alpha
  return {
    loss: (y, p) => Math.abs(y - p) * weight(y),
    slope: (y, p) => Math.sign(p - y) * weight(y),
  }
}
`
const net = {
  ...{ epochs: 2, learning_rate: 3e-5, warmup_epochs: 1, hyperparam_space: 'block' },
  ...{ canc_arch: [8], drug_arch: [8], interaction_arch: [8], alpha: 2 },
}
const cwd = t.testdir({
  'upf.txt': '{"id": "OWN", "index": 3, "custom_loss_module": "./my-loss.mjs"}',
  'ours.txt': '{"id": "OURS", "index": 3, "loss": "mae_poly"}',
  'dflts.json': JSON.stringify(net),
  'my-loss.mjs': MAE_POLY,
})
upfHeds(['data', 'demo', 'data'], cwd)
const env = { DATA_SOURCE: 'data', THREADS: '1' }
const sweep = (...words: string[]) => upfHeds(['local', ...words], cwd, env)
const history = (run: string) =>
  JSON.parse(fs.readFileSync(join(cwd, run, 'history.txt'), 'utf8')) as Record<string, number[]>

for (const [i, backend] of ['ort', 'auto'].entries())
  t.test(`${backend}: a loss of the user's own trains as ours does`, async t => {
    const ours = sweep('ours.txt', 'dflts.json', '--backend', backend)
    const own = sweep('upf.txt', 'dflts.json', '--backend', backend)
    t.strictSame([ours.status, own.status], [0, 0], own.stderr)
    const [wanted, found] = [
      history(`out/EXP00${2 * i + 1}/run/OURS`),
      history(`out/EXP00${2 * i + 2}/run/OWN`),
    ]
    for (const key of ['loss', 'val_loss'])
      found[key]!.forEach((v, e) =>
        t.ok(Math.abs(v / wanted[key]![e]! - 1) < 1e-5, `${key} ${v}, want ${wanted[key]![e]!}`),
      )
  })

t.test('a changed module is another RUN, a wrong one is told before anything runs', async t => {
  t.match(sweep('upf.txt', 'dflts.json', 'EXP002', '--backend', 'ort'), {
    status: 0,
    stdout: /nothing left to do/,
  })
  for (const [text, wanted] of [
    [MAE_POLY + '// changed', /OWN: loss_module: "[0-9a-f]{64}" → "/],
    [
      MAE_POLY.replace('p - y', 'y - p'),
      /my-loss.mjs: slope\(0.07, 0.08\d*\) is -0.8\d*, its loss rises by 0.8/,
    ],
    [MAE_POLY.replace('slope', 'steep'), /returns no { loss, slope }/],
    [
      MAE_POLY.replace('construct', 'make'),
      /my-loss.mjs: cannot be loaded: exports no function "construct"/,
    ],
    ['export nonsense', /my-loss.mjs: cannot be loaded: /],
    [MAE_POLY.replace('return', 'throw Error(alpha + "!"); return'), /my-loss.mjs: 2!/],
    [undefined, /my-loss.mjs: cannot be/],
  ] as const) {
    fs.rmSync(join(cwd, 'my-loss.mjs'), { force: true })
    if (text !== undefined) fs.writeFileSync(join(cwd, 'my-loss.mjs'), text)
    const { status, stderr } = sweep('upf.txt', 'dflts.json', 'EXP002', '--backend', 'ort')
    t.equal(status, 2)
    t.match(stderr, wanted)
    t.notMatch(stderr, / at .*js:/, 'no stack')
  }
})
