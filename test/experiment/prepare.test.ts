import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HedError } from '../../src/base/errors.js'
import { prepare, readInputs } from '../../src/experiment/prepare.js'
import type { Params, Workflow } from '../../src/experiment/workflow.js'
import { workflow } from '../e2e/faulty-workflow.js'

/** @returns what is told, the files by their names alone */
async function refused(
  t: Test,
  dflts: string,
  upf: string,
  workflow = judging(() => []),
  folder = '.',
): Promise<string[]> {
  const cwd = t.testdir({ 'd.json': dflts, 'u.txt': upf })
  const options = {
    ...{ dataSource: join(cwd, folder), threads: 1, backend: 'x', timeout: -1 },
    ...{ strict: true, defaults: workflow.defaults },
  }
  try {
    await prepare(readInputs(join(cwd, 'u.txt'), join(cwd, 'd.json')), workflow, options)
  } catch (error) {
    if (error instanceof HedError)
      return [...error.message.replaceAll(`${cwd}/`, '').split('\n'), error.hint ?? '']
    throw error
  }
  return []
}

/** A workflow that says what is wrong with a line's hyperparameters. */
function judging(wrong: (params: Params) => string[]): Workflow {
  return {
    ...workflow,
    defaults: { x: 1 },
    inspect: () =>
      Promise.resolve({ notes: [], resolve: ({ params }) => ({ problems: wrong(params) }) }),
  }
}

t.test('a "workflow" that is none is told where it stands', async t => {
  const lines = '{"id":"A"}\n{"id":"B","workflow":"v"}\n{"id":"C","workflow":"w"}\n{"id":"D"}'
  t.strictSame(await refused(t, '{"workflow":5}', lines), [
    'd.json: "workflow" is 5, want a name or a path',
    'u.txt:3: has the "workflow" "w", but "v" above: one an EXP',
    'Mend these lines.',
  ])
  t.strictSame(await refused(t, '{"workflow":5}', '{"id":"A"}'), [
    'd.json: "workflow" is 5, want a name or a path',
    'Mend this file.',
  ])
  t.strictSame(await refused(t, '{"workflow":"v"}', '{"id":"A","workflow":"w"}\n{"id":"B"}'), [
    'u.txt:2: has the "workflow" "v", but "w" above: one an EXP',
    'Mend this line.',
  ])
})

const LINES = [
  '{"id":"A","retries":-1,"x":-1}',
  '{"id":"A","timeout":0,"x":-2}',
  '{"id":"B" "x":1}',
  '{"x":-4,"memory":0,"xx":1}',
  '{"id":"C","workflow":"v","x":-5,"retries":1.5}',
  '{"id":"D"}',
  '{"id":"E","x":-7}',
].join('\n')

t.test('all that is wrong with the lines is told at once, as they stand', async t => {
  const wrong = judging(params =>
    Number(params['x']) < 0 ? [`"x" is ${JSON.stringify(params['x'])}`] : [],
  )
  t.match(await refused(t, '{"monitor":0}', LINES, wrong), [
    'd.json: "monitor" is 0, want 0.1 to 86400 seconds, or -1 for none',
    'u.txt:1: "retries" is -1, want an integer ≥ 0',
    'u.txt:1: "x" is -1',
    'u.txt:2: "id" "A" is that of line 1 too, want one of its own',
    'u.txt:2: "timeout" is 0, want seconds > 0, or -1 for none',
    'u.txt:2: "x" is -2',
    /^u.txt:3: no valid JSON/,
    'u.txt:4: has no "id", want one such as "id": "RUN000"',
    'u.txt:4: nobody knows "xx"; did you mean "x"?',
    'u.txt:4: "memory" is 0, want MB > 0, or -1 for no limit',
    'u.txt:4: "x" is -4',
    'u.txt:5: has the "workflow" "v", but "hed" above: one an EXP',
    'u.txt:5: "retries" is 1.5, want an integer ≥ 0',
    'u.txt:7: "x" is -7',
    'Mend these lines.',
  ])
})

t.test('without data or DFLTS, what the lines alone show is told', async t => {
  const shown = [
    'u.txt:1: "retries" is -1, want an integer ≥ 0',
    'u.txt:2: "id" "A" is that of line 1 too, want one of its own',
    'u.txt:2: "timeout" is 0, want seconds > 0, or -1 for none',
    /^u.txt:3: no valid JSON/,
    'u.txt:4: has no "id", want one such as "id": "RUN000"',
    'u.txt:4: "memory" is 0, want MB > 0, or -1 for no limit',
  ]
  const rest = ['u.txt:5: "retries" is 1.5, want an integer ≥ 0', 'Mend these lines.']
  const found = await refused(t, '{', LINES)
  t.match(found, [/^d.json:1: no valid JSON/, ...shown, ...rest])
  const other = 'u.txt:5: has the "workflow" "v", but "hed" above: one an EXP'
  t.match(await refused(t, '{}', LINES, undefined, 'none'), [...shown, other, ...rest])
  t.match(await refused(t, '{}', '{"id":"A"}', undefined, 'none'), [/^none: DATA_SOURCE is no/])
})
