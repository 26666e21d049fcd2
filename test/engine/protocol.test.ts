import fc from 'fast-check'
import t from 'tap'
import { encode, parseFromAgent, parseToAgent } from '../../src/engine/protocol.js'

const envelope = { exp: 'EXP001-x', epoch: 1, nonce: 'n' }

t.test('what was encoded is parsed', async t => {
  const body = { type: 'ready', slot: 0 } as const
  t.strictSame(parseFromAgent(Buffer.from(encode(envelope, [body]))), {
    ...envelope,
    bodies: [body],
  })
  const stop = { type: 'stop', fate: 'stopped' } as const
  t.strictSame(parseToAgent(Buffer.from(encode(envelope, [stop])))?.bodies, [stop])
})

t.test('random bytes and fields of another kind are dropped, never thrown', async t => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      t.equal(parseFromAgent(bytes), undefined)
    }),
    { numRuns: 100 },
  )
  for (const body of [
    {},
    { type: 'hello' },
    { type: 'ready', slot: -1 },
    { type: 'ready', slot: '0' },
    { type: 'done', slot: 0, run: '../x', attempt: 1, finish: { marker: 'm' } },
    { type: 'done', slot: 0, run: 'A', attempt: 1 },
    { type: 'ended', slot: 0, run: 'A', attempt: 1, fate: 'bored', message: '' },
    { type: 'unknown' },
  ]) {
    const frame = (bodies: object[]) => Buffer.from(JSON.stringify({ ...envelope, bodies }))
    t.equal(parseFromAgent(frame([body])), undefined, JSON.stringify(body))
    const good = { type: 'staged' } as const
    t.strictSame(
      parseFromAgent(frame([good, body]))?.bodies,
      [good],
      'the good one beside it stays',
    )
  }
  for (const wrong of [{ exp: 1 }, { epoch: '1' }, { nonce: null }])
    t.equal(
      parseFromAgent(
        Buffer.from(JSON.stringify({ ...envelope, ...wrong, bodies: [{ type: 'staged' }] })),
      ),
      undefined,
    )
})
