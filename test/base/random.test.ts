import t from 'tap'
import {
  philox,
  randomFloats,
  randomKey,
  randomWords,
  shuffle,
  STREAM,
  type Key,
} from '../../src/base/random.js'

const ALL = 0xffffffff

t.test("Philox4x32-10 gives the known answers of its authors' library", async t => {
  const out = new Uint32Array(4)
  philox([0, 0], 0, 0, 0, 0, out)
  t.same([...out], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  philox([ALL, ALL], ALL, ALL, ALL, ALL, out)
  t.same([...out], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
  philox([0xa4093822, 0x299f31d0], 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, out)
  t.same([...out], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1])
})

t.test(
  'words are a function of key, stream, epoch and step; a longer draw only adds to them',
  async t => {
    const draw = (key: Key, epoch: number, step: number, length: number) => {
      const words = new Uint32Array(length)
      randomWords(key, STREAM.split, epoch, step, words)
      return [...words]
    }
    t.same(draw([1, 2], 3, 4, 5), draw([1, 2], 3, 4, 9).slice(0, 5))
    t.notSame(draw([1, 2], 3, 4, 5), draw([2, 2], 3, 4, 5))
    t.notSame(draw([1, 2], 3, 4, 5), draw([1, 2], 4, 4, 5))
    t.notSame(draw([1, 2], 3, 4, 5), draw([1, 2], 3, 5, 5))
  },
)

t.test('the key of a name is the start of its SHA-256', async t => {
  t.same(randomKey(7, ''), [7, 0x42c4b0e3])
  t.not(randomKey(7, 'Drug_1')[1], randomKey(7, 'Drug_2')[1])
})

t.test('floats lie in [0, 1) and have the mean of a uniform draw', async t => {
  const floats = randomFloats([1, 2], STREAM.demo, 0, 0, 10_000)
  t.ok(floats.every(f => f >= 0 && f < 1))
  const mean = floats.reduce((a, b) => a + b, 0) / floats.length
  t.ok(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`)
})

t.test('a shuffle is a permutation, the same for the same key and another for another', async t => {
  const shuffled = (key: Key) => {
    const values = Int32Array.from({ length: 100 }, (_, i) => i)
    shuffle(key, STREAM.shuffle, 0, values)
    return values
  }
  t.same(
    [...shuffled([1, 2])].sort((a, b) => a - b),
    [...Array(100).keys()],
  )
  t.same(shuffled([1, 2]), shuffled([1, 2]))
  t.notSame(shuffled([1, 2]), shuffled([1, 3]))
})

t.test('a shuffle of some positions settles the last ones as a whole shuffle does', async t => {
  const whole = Int32Array.from({ length: 50 }, (_, i) => i)
  const some = whole.slice()
  shuffle([1, 2], STREAM.shuffle, 0, whole)
  shuffle([1, 2], STREAM.shuffle, 0, some, 10)
  t.same(some.subarray(40), whole.subarray(40))
})
