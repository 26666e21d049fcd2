import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  encode,
  parseFromAgent,
  parseToAgent,
  type Frame,
  type FromAgent,
  type ToAgent,
} from '../../src/engine/protocol.js'
import {
  ALL_FROM_AGENT,
  FROM_AGENT,
  TO_AGENT,
  envelope,
  fromAgent,
  isCount,
  isObject,
  isText,
  shape,
  toAgent,
  type Check,
} from './bodies.js'

function assertFits(
  frame: Frame<FromAgent | ToAgent> | undefined,
  table: Readonly<Record<string, Check>>,
): void {
  if (frame === undefined) return
  assert.ok(shape({ exp: isText, epoch: isCount, nonce: isText })(frame))
  assert.ok(Array.isArray(frame.bodies))
  for (const body of frame.bodies) {
    assert.ok(isObject(body))
    assert.ok(Object.hasOwn(table, body.type), `${body.type} is no type of a message`)
    assert.ok(table[body.type]!(body), JSON.stringify(body))
  }
}

/** What is said together. */
const fromAgents = fc.array(fromAgent, { maxLength: 4 })
const toAgents = fc.array(toAgent, { maxLength: 4 })

const honest = fc
  .tuple(envelope, fc.oneof(fromAgents, toAgents))
  .map(([envelope, bodies]) => encode(envelope, bodies))

const flipped = fc
  .tuple(honest, fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 }))
  .map(([frame, flips]) => {
    const bytes = Buffer.from(frame)
    for (const [at, bit] of flips) bytes[at % bytes.length]! ^= 1 << bit
    return bytes
  })
const cut = fc.tuple(honest, fc.nat()).map(([frame, at]) => {
  const bytes = Buffer.from(frame)
  return bytes.subarray(0, at % bytes.length)
})
/** An honest message, one field of which, at any depth, has become something else or is gone. */
const changed = fc
  .tuple(honest, fc.nat(), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))
  .map(([frame, which, value]) => {
    const message = JSON.parse(frame) as object
    const places = fieldsOf(message)
    const [holder, name] = places[which % places.length]!
    if (value === undefined) Reflect.deleteProperty(holder, name)
    else Reflect.set(holder, name, value)
    return Buffer.from(JSON.stringify(message))
  })
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map(text => Buffer.from(text)),
  cut,
  flipped,
  changed,
)

function fieldsOf(holder: object): [object, string][] {
  return Object.entries(holder).flatMap(([name, value]: [string, unknown]) => [
    [holder, name] as [object, string],
    ...(typeof value === 'object' && value !== null ? fieldsOf(value) : []),
  ])
}

t.test('every honest frame is parsed as it was said', async t => {
  fc.assert(
    fc.property(envelope, fromAgents, (envelope, bodies) => {
      const frame = parseFromAgent(Buffer.from(encode(envelope, bodies)))
      assert.deepEqual(frame, JSON.parse(JSON.stringify({ ...envelope, bodies })))
      assertFits(frame, ALL_FROM_AGENT)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(envelope, toAgents, (envelope, bodies) => {
      const frame = parseToAgent(Buffer.from(encode(envelope, bodies)))
      assert.deepEqual(frame, JSON.parse(JSON.stringify({ ...envelope, bodies })))
      assertFits(frame, TO_AGENT)
    }),
    { numRuns: 500 },
  )
  t.pass('all of them')
})

t.test('a cut frame is no message', async t => {
  fc.assert(
    fc.property(cut, frame => {
      assert.equal(parseFromAgent(frame), undefined)
      assert.equal(parseToAgent(frame), undefined)
    }),
    { numRuns: 500 },
  )
  t.pass('wherever it was cut')
})

t.test(
  'no frame makes the leader throw, and none is taken with a field of another kind',
  async t => {
    fc.assert(
      fc.property(garbage, frame => assertFits(parseFromAgent(frame), FROM_AGENT)),
      { numRuns: 3000 },
    )
    t.pass('none did')
  },
)

t.test('no frame makes an agent throw', async t => {
  fc.assert(
    fc.property(garbage, frame => {
      parseToAgent(frame)
    }),
    { numRuns: 3000 },
  )
  t.pass('none did')
})

t.test('what the leader only shows has its type too', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(changed, frame => assertFits(parseFromAgent(frame), ALL_FROM_AGENT)),
      { numRuns: 3000 },
    ),
  )
})

t.test('an agent takes no field of another kind either', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(changed, frame => assertFits(parseToAgent(frame), TO_AGENT)),
      { numRuns: 3000 },
    ),
  )
})
