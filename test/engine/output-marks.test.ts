import type { WriteStream } from 'node:tty'
import t from 'tap'
import { lineSplitter } from '../../src/base/lines.js'
import { AHEAD } from '../../src/engine/executor-protocol.js'
import { markOutput, newRunTails } from '../../src/engine/output-marks.js'

/** An executor's two streams into an agent's tails. */
function pair() {
  const tails = newRunTails()
  const logged: string[] = []
  const stream = (name: 'stdout' | 'stderr') => {
    const read = lineSplitter(line => {
      if (tails.add(name, line)) logged.push(line)
    })
    const write = (text: string) => (read(text), true)
    return { write } as unknown as WriteStream
  }
  const [out, err] = [stream('stdout'), stream('stderr')]
  return { out, err, marks: markOutput([out, err]), tails, logged }
}

t.test("each attempt has its own lines, none of another's; marks are not logged", async t => {
  const { out, err, marks, tails, logged } = pair()
  out.write('loading\n')
  marks.begin('A', 1, true)
  out.write('a1\n')
  err.write('a2\na3')
  marks.end()
  marks.begin('B', 1, false)
  err.write('b1\n')
  out.write('b2\n')
  marks.end()
  out.write('between\n')
  marks.begin('A', 2, false)
  marks.end()
  marks.begin('C', 1, false)
  out.write('c1\n')
  marks.end()
  t.strictSame(tails.of('A', 1), ['a1', 'a2', 'a3'])
  t.strictSame(tails.of('B', 1), ['b1', 'b2'])
  t.strictSame(tails.of('C', 1), ['c1'])
  t.notMatch(tails.of('A', 2).join(), /[abc]\d/, 'it printed nothing')
  t.strictSame(logged, ['loading', 'a1', 'a2', 'a3', 'b1', 'b2', 'between', 'c1'])
})

t.test('the last forty lines of the last attempts are kept', async t => {
  const { out, marks, tails } = pair()
  for (let n = 0; n < 400; n++) {
    marks.begin(`R${n}`, 1, false)
    for (let i = 0; i < 50; i++) out.write(`${n}.${i}\n`)
    marks.end()
  }
  t.strictSame(tails.of('R399', 1).length, 40)
  t.equal(tails.of('R399', 1).at(-1), '399.49')
  t.equal(tails.of(`R${399 - AHEAD}`, 1).length, 40, 'of all that an executor may be ahead')
  t.strictSame(tails.of('R0', 1), [])
})

t.test('of an executor that marks nothing, all lines are the attempt’s', async t => {
  const { out, tails } = pair()
  out.write('one\n')
  t.strictSame(tails.of('A', 1), ['one'])
})
