import t from 'tap'
import { encodeFrame, frameReader, type Frame } from '../../src/train/backends/frames.js'

const FRAMES: readonly Frame[] = [
  { head: { type: 'state' }, arrays: [] },
  {
    head: { type: 'ok', step: 7, momentum: 0.1 + 0.2, text: 'Zelle α\n' },
    arrays: [
      Float32Array.of(1.5, -0, NaN, Infinity),
      new Int32Array(0),
      Float64Array.of(Math.PI),
      Int32Array.of(-1, 2 ** 31 - 1),
    ],
  },
  { head: { type: 'ok' }, arrays: [new Float32Array(0)] },
  { head: { type: 'ok' }, arrays: [new Float32Array(1000).fill(0.1)] },
]

for (const size of [1, 2, 3, 7, 64, 1000, 1e6])
  t.test(`frames are read as they were written, in chunks of ${size}`, async t => {
    const bytes = Buffer.concat(FRAMES.flatMap(frame => encodeFrame(frame)))
    const read: Frame[] = []
    const take = frameReader(frame => read.push(frame))
    for (let from = 0; from < bytes.length; from += size) take(bytes.subarray(from, from + size))
    t.equal(read.length, FRAMES.length)
    for (const [i, { head, arrays }] of FRAMES.entries()) {
      t.match(read[i]!.head, head)
      t.strictSame(read[i]!.arrays, arrays)
    }
  })

t.test('part of an array is sent, not all of its buffer', async t => {
  const read: Frame[] = []
  const whole = Float32Array.of(1, 2, 3, 4)
  const take = frameReader(frame => read.push(frame))
  for (const bytes of encodeFrame({ head: {}, arrays: [whole.subarray(1, 3)] })) take(bytes)
  t.strictSame(read[0]!.arrays, [Float32Array.of(2, 3)])
})

t.test('anything else is an error that shows it', async t => {
  const wrong = ['Traceback (most recent call last):\n', '{"type": "ok"}\n', 'null\n']
  for (const text of [...wrong, '{"arrays": [["x1", 3]]}\n'])
    t.throws(() => frameReader(() => undefined)(Buffer.from(text)), {
      message: `${JSON.stringify(text.trim())} is no frame`,
    })
  const endless = frameReader(() => undefined)
  const megabyte = Buffer.alloc(1 << 20, 'x')
  t.throws(() => endless(megabyte), /is no frame/)
})
