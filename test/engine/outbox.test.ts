import t from 'tap'
import { newOutbox } from '../../src/engine/outbox.js'

/** @param lazyMs see newOutbox @returns the outbox, what it has sent, and a promise of the next frame */
function outbox(lazyMs: number) {
  const sent: [string, string][] = []
  const waiting: (() => void)[] = []
  const box = newOutbox('{"bodies":', lazyMs, (to, frame) => {
    sent.push([to, frame])
    waiting.splice(0).forEach(f => f())
  })
  const next = () => new Promise<void>(resolve => waiting.push(resolve))
  return { box, sent, next }
}

/** Longer than any test. */
const NEVER_MS = 1e6

t.test('what is said to one peer at one moment leaves as one frame, in order', async t => {
  const { box, sent, next } = outbox(NEVER_MS)
  box.post('a', '1')
  box.post('a', '2')
  t.strictSame(sent, [])
  await next()
  t.strictSame(sent, [['a', '{"bodies":[1,2]}']])
})

t.test(
  'what is in no hurry waits for the next word to the same peer, and for no other',
  async t => {
    const { box, sent, next } = outbox(NEVER_MS)
    box.post('a', '1', true)
    box.post('b', '2', true)
    box.post('a', '3')
    await next()
    t.strictSame(sent, [['a', '{"bodies":[1,3]}']])
    box.flush()
    t.strictSame(sent.slice(1), [['b', '{"bodies":[2]}']])
  },
)

t.test('alone it leaves by itself, and what comes after that too', async t => {
  const { box, sent, next } = outbox(10)
  box.post('a', '1', true)
  await next()
  box.post('b', '2', true)
  await next()
  t.strictSame(sent, [
    ['a', '{"bodies":[1]}'],
    ['b', '{"bodies":[2]}'],
  ])
})

t.test('a frame that would grow too long leaves before', t => {
  const { box, sent } = outbox(NEVER_MS)
  const long = JSON.stringify('x'.repeat(600_000))
  box.post('a', long, true)
  box.post('a', long, true)
  t.equal(sent.length, 1)
  box.flush()
  t.strictSame(
    sent.map(([to, frame]) => [to, (JSON.parse(frame) as { bodies: string[] }).bodies.length]),
    [
      ['a', 1],
      ['a', 1],
    ],
  )
  t.end()
})

t.test('what has left with all else does not leave again', async t => {
  const { box, sent } = outbox(NEVER_MS)
  box.post('a', '1')
  box.flush()
  box.post('a', '2', true)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(sent, [['a', '{"bodies":[1]}']])
  box.flush()
})
