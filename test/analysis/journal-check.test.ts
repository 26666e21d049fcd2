import t from 'tap'
import { checkSegment } from '../../src/analysis/journal-check.js'
import { encodeRecord, type JournalRecord } from '../../src/experiment/journal.js'

const record = (reason: string): JournalRecord => ({ type: 'stopped', reason })
const encoded = (...sequences: number[]) => sequences.map(n => encodeRecord(n, record(`${n}`)))

function check(bytes: Buffer) {
  const seen: JournalRecord[] = []
  const { damaged, cut, records, foreign } = checkSegment('000001.log', bytes, r => seen.push(r))
  return { damaged, cut, records, foreign, seen: seen.length }
}

t.test('a whole segment is sound', async t => {
  const sound = { damaged: [], cut: 0, foreign: 0 }
  t.match(check(Buffer.concat(encoded(1, 2, 3))), { ...sound, records: 3, seen: 3 })
  t.match(check(Buffer.alloc(0)), { ...sound, records: 0 })
})

t.test('damage says where, how many bytes, and how many records lay there', async t => {
  const [a, b, c, d] = encoded(1, 2, 3, 4)
  const zeros = Buffer.alloc(b!.length + c!.length)
  t.match(check(Buffer.concat([a!, zeros, d!])), {
    damaged: [{ offset: a!.length, bytes: zeros.length, records: 2 }],
    ...{ records: 2, cut: 0 },
  })
  const flipped = Buffer.from(b!)
  flipped[20]! ^= 1
  t.match(check(Buffer.concat([a!, flipped, c!])).damaged, [
    { offset: a!.length, bytes: b!.length, records: 1 },
  ])
})

t.test('records that were cut out, or lie there twice, are seen by their numbers', async t => {
  t.match(check(Buffer.concat(encoded(1, 4))).damaged, [{ bytes: 0, records: 2 }])
  t.match(check(Buffer.concat(encoded(1, 2, 2))).damaged, [{ bytes: 0, records: -1 }])
})

t.test('a tail that was cut off is no damage, at every byte; one of zeros is', async t => {
  const [a, b] = encoded(1, 2)
  for (let size = 1; size < b!.length; size++)
    t.match(
      check(Buffer.concat([a!, b!.subarray(0, size)])),
      { damaged: [], cut: size, records: 1 },
      `${size} of ${b!.length}`,
    )
  t.match(check(Buffer.concat([a!, Buffer.alloc(100)])), {
    damaged: [{ offset: a!.length, bytes: 100, records: null }],
    cut: 0,
  })
})

t.test('a record of another version is whole, and counted apart', async t => {
  const foreign = encodeRecord(2, { type: 'new', of: 'tomorrow' })
  t.match(check(Buffer.concat([...encoded(1), foreign, ...encoded(3)])), {
    ...{ damaged: [], records: 3, foreign: 1, seen: 2 },
  })
})
