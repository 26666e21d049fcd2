import t from 'tap'
import { canonicalJson, sha256 } from '../../src/base/digest.js'
import { paramsDigest } from '../../src/experiment/digest.js'
import { problemText } from '../../src/experiment/json-lines.js'
import { makePlan, type PlanInput } from '../../src/experiment/plan.js'
import { parseUpf } from '../../src/experiment/upf.js'
import type { Params, Workflow } from '../../src/experiment/workflow.js'
import { workflow } from '../e2e/faulty-workflow.js'

const DEFAULTS: Params = { epochs: 9, learning_rate: 0.1, seed: 0 }

function plan(upf: string, dflts: Params = {}, more: Partial<PlanInput> = {}) {
  const known: Workflow = { ...workflow, name: 'w', known: ['alpha', /^x_\d+$/] }
  return makePlan({
    upf: { file: 'u', lines: parseUpf(upf, 'u').lines },
    dflts: { file: 'd', values: dflts },
    workflow: known,
    defaults: DEFAULTS,
    data: {
      notes: [],
      resolve: ({ control }) => ({ resolved: { index: control['index'] ?? null } }),
    },
    threads: 2,
    backend: 'ort',
    timeout: -1,
    strict: false,
    ...more,
  })
}

t.test('model default < DFLTS < UPF line, with origins', async t => {
  const { runs } = plan('{"id":"A","index":3,"alpha":1}\n{"id":"B","epochs":7}', {
    epochs: 5,
    alpha: 2,
  })
  t.strictSame(runs[0]!.params, { epochs: 5, learning_rate: 0.1, seed: 0, alpha: 1 })
  t.match(runs[0]!.origins, { epochs: 'DFLTS', learning_rate: 'default', alpha: 'UPF' })
  t.strictSame(runs[1]!.params, { epochs: 7, learning_rate: 0.1, seed: 0, alpha: 2 })
  t.strictSame(runs[0]!.resolved, { index: 3 })
  t.notOk('index' in runs[0]!.params, 'control keys are no hyperparameters')
})

t.test('a numeric list in a string is a list; other strings stay', async t => {
  const { runs } = plan('{"id":"A","x_1":"1000 1000","x_2":"a b","x_3":"7"}')
  t.match(runs[0]!.params, { x_1: [1000, 1000], x_2: 'a b', x_3: '7' })
})

t.test('keys of the original workflow are replaced with one note', async t => {
  const seed = { epochs: 2, input_dir: '/tmp/x', pre_module: 'hed_setup', post_module: 'hed_setup' }
  const { runs, notes, warnings } = plan('{"id":"A","input_dir_1":"y"}\n{"id":"B"}', seed)
  t.strictSame(notes, [
    'replaced by ours and not used: input_dir, input_dir_1, post_module, pre_module',
  ])
  t.strictSame(warnings, [])
  t.notOk('input_dir' in runs[0]!.params)
})

t.test('an unknown key is a warning with the nearest name; with strict a problem', async t => {
  t.match(plan('{"id":"A","epoch":3}').warnings, [
    /u:1: nobody knows "epoch"; did you mean "epochs"\?/,
  ])
  const { problems } = plan('{"id":"A"}', { learning_rat: 1 }, { strict: true })
  t.match(problems.map(problemText), [
    /^d: nobody knows "learning_rat"; did you mean "learning_rate"/,
  ])
})

t.test('retries and timeout are checked', async t => {
  const { problems, runs } = plan(
    '{"id":"A","retries":-1}\n{"id":"B","timeout":0}\n{"id":"C","retries":3,"timeout":9}',
  )
  t.match(problems.map(problemText), [/u:1: "retries" is -1/, /u:2: "timeout" is 0/])
  t.match(runs.at(-1), { retries: 3, timeout: 9 })
})

t.test('a wrong value of DFLTS is told once, of DFLTS; that of a line of the line', async t => {
  const lines = '{"id":"A"}\n{"id":"B","timeout":0}\n{"id":"C","retries":2,"x":1}\n{"id":"D"}'
  const told = (dflts: Params, more: Partial<PlanInput> = {}) =>
    plan(lines, dflts, more).problems.map(problemText)
  t.match(told({ retries: -3, timeout: '9', memory: 0, monitor: 'x' }), [
    /^d: "retries" is -3, want/,
    /^d: "timeout" is "9", want/,
    /^d: "memory" is 0, want/,
    /^d: "monitor" is "x", want/,
    /^u:2: "timeout" is 0, want/,
  ])
  // hyperparameters, of which the workflow tells
  const resolve: PlanInput['data']['resolve'] = ({ params, control }) => ({
    problems: [
      `"alpha" is ${JSON.stringify(params['alpha'])}, want more`,
      `"index" is 7, but "timeout" is ${JSON.stringify(control['timeout'] ?? null)}`,
    ],
  })
  t.strictSame(told({ alpha: 0, index: 7 }, { data: { notes: [], resolve } }), [
    'd: "alpha" is 0, want more',
    'd: "index" is 7, but "timeout" is null',
    'u:2: "timeout" is 0, want seconds > 0, or -1 for none',
    'u:2: "index" is 7, but "timeout" is 0',
  ])
})

t.test('a value of DFLTS that no line has is not looked at', async t => {
  t.strictSame(plan('{"id":"A","retries":0}', { retries: -3 }).problems, [])
})

t.test('the digest sees what decides the result and nothing else', async t => {
  const base = {
    params: { a: 1, b: [1, 2] },
    resolved: { drug: 'X' },
    workflow: 'w',
    threads: 1,
    backend: 'ort',
  }
  const digest = paramsDigest(base)
  t.equal(digest, sha256(canonicalJson(base)), 'of EXPs that are there')
  t.equal(paramsDigest({ ...base, params: { b: [1, 2], a: 1 } }), digest, 'order of keys')
  for (const other of [
    { params: { a: 2, b: [1, 2] } },
    { params: { a: 1, b: [2, 1] } },
    { resolved: { drug: 'Y' } },
    { workflow: 'v' },
    { threads: 2 },
    { backend: 'torch' },
  ])
    t.not(paramsDigest({ ...base, ...other }), digest, JSON.stringify(other))
})

t.test('monitor is no hyperparameter: it changes no digest, and is checked', async t => {
  const [without] = plan('{"id":"A"}').runs
  const [on] = plan('{"id":"A","monitor":5}').runs
  t.equal(on!.monitor, 5)
  t.equal(on!.digest, without!.digest)
  t.notOk('monitor' in on!.params)
  t.equal(plan('{"id":"A","monitor":-1}', { monitor: 2 }).runs[0]!.monitor, undefined)
  t.equal(plan('{"id":"A"}', { monitor: 2 }).runs[0]!.monitor, 2)
  for (const wrong of ['0', '0.01', '"5"'])
    t.match(plan(`{"id":"A","monitor":${wrong}}`).problems.map(problemText), [
      /"monitor" is .*, want 0.1 to 86400 seconds, or -1 for none/,
    ])
})
