import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { upfHeds } from '../e2e/sweep.js'

/** `journal dump` says of a journal what `journal check` says of it. What either prints else: explain.test.ts. */

const cwd = t.testdir({
  'upf.txt': '{"id":"A"}\n{"id":"B"}\n',
  'dflts.json': JSON.stringify({ workflow: resolve('dist/test/e2e/faulty-workflow.js') }),
  data: {},
})
const SWEEP = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '2']
t.equal(upfHeds(SWEEP, cwd).status, 0)

/** A copy to damage. */
function copy(t: Test): { exp: string; journal: string; segment: string } {
  const exp = join(t.testdir(), 'EXP')
  fs.cpSync(join(cwd, 'out/EXP001'), exp, { recursive: true })
  const journal = join(exp, '.engine/journal')
  return { exp, journal, segment: join(journal, '000001.log') }
}

const check = (exp: string) => upfHeds(['journal', 'check', exp], cwd)
const dump = (exp: string, ...flags: string[]) => upfHeds(['journal', 'dump', exp, ...flags], cwd)
const count = (text: string, what: RegExp) => text.split('\n').filter(l => what.test(l)).length

t.test(
  'a sound journal, and one whose markers alone are lost: nothing is wrong with it',
  async t => {
    const { exp } = copy(t)
    t.match(dump(exp), { status: 0, stderr: '' })
    fs.rmSync(join(exp, 'run/A/stop.marker'))
    t.equal(check(exp).status, 3)
    t.match(dump(exp), { status: 0, stderr: '' })
  },
)

t.test('a damaged journal: all that can be read, then exit 3', async t => {
  const { exp, segment } = copy(t)
  const whole = dump(exp).stdout
  const bytes = fs.readFileSync(segment)
  const at = bytes.indexOf('"type":"given"')
  bytes.fill(0, at, at + 10)
  fs.writeFileSync(segment, bytes)
  t.equal(check(exp).status, 3)
  const told = `upf-heds: the journal is DAMAGED; upf-heds journal check ${exp} tells where\n`
  for (const flags of [[], ['--json']]) {
    const { status, stdout, stderr } = dump(exp, ...flags)
    t.strictSame({ status, stderr }, { status: 3, stderr: told })
    t.equal(count(stdout, /DAMAGED|"damaged":true/), 1)
    t.equal(count(stdout, /#\d+|"sequence":/), count(whole, /#\d+/) - 1)
  }
})

t.test('a record in the middle that is cut out leaves no gap, but its number', async t => {
  const { exp, segment } = copy(t)
  const [, second, third] = dump(exp, '--json')
    .stdout.split('\n')
    .map(l => (l === '' ? { offset: 0 } : (JSON.parse(l) as { offset: number })))
  const bytes = fs.readFileSync(segment)
  fs.writeFileSync(
    segment,
    Buffer.concat([bytes.subarray(0, second!.offset), bytes.subarray(third!.offset)]),
  )
  t.equal(check(exp).status, 3)
  t.match(dump(exp), { status: 3, stderr: /the journal is DAMAGED/ })
})

t.test('a cut tail is no damage', async t => {
  const { exp, segment } = copy(t)
  fs.truncateSync(segment, fs.statSync(segment).size - 3)
  t.equal(check(exp).status, 0)
  t.match(dump(exp), { status: 0, stdout: /CUT OFF/, stderr: '' })
})

t.test('a journal that is gone is told as check tells it; JSON is none of it', async t => {
  const { exp, journal } = copy(t)
  fs.rmSync(journal, { recursive: true })
  const line = 'the journal is GONE; resume goes on from the markers\n'
  t.match(check(exp), { status: 3, stdout: line })
  t.match(dump(exp), { status: 3, stdout: line, stderr: '' })
  t.match(dump(exp, '--json'), { status: 3, stdout: '', stderr: `upf-heds: ${line}` })
})

t.test('where nobody has led yet there is none, and nothing is wrong', async t => {
  const { exp, journal } = copy(t)
  fs.rmSync(journal, { recursive: true })
  fs.rmSync(join(exp, 'run'), { recursive: true })
  const line = 'there is no journal: nobody has led this experiment yet\n'
  t.match(check(exp), { status: 0, stdout: line })
  t.match(dump(exp), { status: 0, stdout: line, stderr: '' })
})
