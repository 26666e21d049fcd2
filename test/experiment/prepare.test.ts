import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HedError } from '../../src/base/errors.js'
import { readInputs } from '../../src/experiment/prepare.js'

/** @returns what is told, the files by their names alone */
function refused(t: Test, dflts: string, upf: string): string[] {
  const cwd = t.testdir({ 'd.json': dflts, 'u.txt': upf })
  try {
    readInputs(join(cwd, 'u.txt'), join(cwd, 'd.json'))
  } catch (error) {
    if (error instanceof HedError)
      return [...error.message.replaceAll(`${cwd}/`, '').split('\n'), error.hint ?? '']
    throw error
  }
  return []
}

t.test('a "workflow" that is none is told where it stands', async t => {
  const lines = '{"id":"A"}\n{"id":"B","workflow":"v"}\n{"id":"C","workflow":"w"}\n{"id":"D"}'
  t.strictSame(refused(t, '{"workflow":5}', lines), [
    'd.json: "workflow" is 5, want a name or a path',
    'u.txt:3: has the "workflow" "w", but "v" above: one an EXP',
    'Mend these lines.',
  ])
  t.strictSame(refused(t, '{"workflow":5}', '{"id":"A"}'), [
    'd.json: "workflow" is 5, want a name or a path',
    'Mend this file.',
  ])
  t.strictSame(refused(t, '{"workflow":"v"}', '{"id":"A","workflow":"w"}\n{"id":"B"}'), [
    'u.txt:2: has the "workflow" "v", but "w" above: one an EXP',
    'Mend this line.',
  ])
})
