import { PassThrough } from 'node:stream'
import t from 'tap'
import { openCanvas } from '../../src/cli/canvas.js'

/** What a terminal is told, by its size. */
function terminal() {
  const out = Object.assign(new PassThrough({ encoding: 'utf8' }), { columns: 120, rows: 30 })
  const told = () => (out.read() as string | null) ?? ''
  return { out, told, canvas: openCanvas(out as unknown as NodeJS.WriteStream) }
}

t.test('what was drawn is drawn over, and a note stays above it', async t => {
  const { told, canvas } = terminal()
  canvas.draw(['a', 'b'])
  t.equal(told(), 'a\nb\n')
  canvas.draw(['c'])
  t.equal(told(), '\x1b[2A\r\x1b[Jc\n')
  canvas.print('note')
  t.equal(told(), '\x1b[1A\r\x1b[Jnote\nc\n')
})

t.test('after a change of size the screen is cleared: old lines may be wrapped', async t => {
  const { out, told, canvas } = terminal()
  canvas.draw(['a'])
  out.columns = 80
  canvas.draw(['b'])
  t.equal(told(), 'a\n\x1b[2J\x1b[Hb\n')
  canvas.draw(['c'])
  t.equal(told(), '\x1b[1A\r\x1b[Jc\n', 'once')
})

t.test('before anything is drawn nothing is cleared', async t => {
  const { told, canvas } = terminal()
  canvas.print('first')
  t.equal(told(), 'first\n')
})
