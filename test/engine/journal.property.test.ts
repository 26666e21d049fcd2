import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { openJournal } from '../../src/engine/journal.js'
import {
  encodeRecord,
  parseSegment,
  readJournal,
  type JournalRecord,
} from '../../src/experiment/journal.js'
import { fate, finish, is, run, text } from './bodies.js'

const common = { run, attempt: fc.nat(), at: fc.nat() }
const record: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ type: is('given'), ...common, rank: fc.nat(), host: text }),
  fc.record({ type: is('finished'), ...common, finish }),
  fc.record({ type: is('ended'), ...common, fate, final: fc.boolean(), message: text }),
  fc.record({ type: is('quarantined'), node: text, on: fc.boolean() }),
  fc.record({ type: is('stopped'), reason: text }),
)

/** A record and its place in the segment, 0-based, so that no two are equal. */
type Numbered = JournalRecord & { readonly n: number }

const records = fc
  .array(record, { maxLength: 12 })
  .map(list => list.map((r, n) => JSON.parse(JSON.stringify({ ...r, n })) as Numbered))

interface Laid {
  readonly bytes: Buffer
  /** First byte of each record, and of what follows the last. */
  readonly starts: readonly number[]
}

function lay(list: readonly Numbered[]): Laid {
  const parts = list.map((record, n) => encodeRecord(n + 1, record))
  const starts = [0]
  for (const part of parts) starts.push(starts.at(-1)! + part.length)
  return { bytes: Buffer.concat(parts), starts }
}

/** What is read is what was written, some perhaps missing, in order. */
function assertAmong(found: readonly unknown[], written: readonly Numbered[]): number[] {
  const numbers = found.map(record => (record as Numbered).n)
  for (const [at, record] of found.entries()) assert.deepEqual(record, written[numbers[at]!])
  for (let at = 1; at < numbers.length; at++)
    assert.ok(numbers[at]! > numbers[at - 1]!, `record ${numbers[at]} after ${numbers[at - 1]}`)
  return numbers
}

/** Numbers of the records of which no byte in [from, to) was touched. */
function untouched({ starts }: Laid, damage: readonly (readonly [from: number, to: number])[]) {
  return starts
    .slice(0, -1)
    .flatMap((start, n) =>
      damage.every(([from, to]) => to <= start || from >= starts[n + 1]!) ? [n] : [],
    )
}

t.test('what was appended is read back, in order, over several lives', async t => {
  const home = t.testdir()
  await fc.assert(
    fc.asyncProperty(fc.array(records, { maxLength: 3 }), async lives => {
      const directory = join(home, randomUUID())
      for (const list of lives) {
        const journal = await openJournal(directory)
        await Promise.all(list.map(record => journal.append(record)))
        await journal.close()
      }
      assert.deepEqual(readJournal(directory), { records: lives.flat(), damaged: 0 })
    }),
    { numRuns: 25 },
  )
  t.pass('all of them')
})

t.test('cut anywhere: the records before the cut', async t => {
  fc.assert(
    fc.property(records, fc.nat(), (list, where) => {
      const { bytes, starts } = lay(list)
      const cut = where % (bytes.length + 1)
      const whole = starts.filter(end => end > 0 && end <= cut).length
      const { records: found, damaged } = parseSegment(bytes.subarray(0, cut))
      assert.deepEqual(found, list.slice(0, whole))
      assert.equal(damaged, cut - starts[whole]!)
    }),
    { numRuns: 1000 },
  )
  t.pass('at every place tried')
})

t.test('flipped bits: none but the records they lie in are lost, none is made up', async t => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(records, flips, (list, flips) => {
      const laid = lay(list)
      fc.pre(laid.bytes.length > 0)
      for (const [at, bit] of flips) laid.bytes[at % laid.bytes.length]! ^= 1 << bit
      const harm = flips.map(([at]) => at % laid.bytes.length).map(at => [at, at + 1] as const)
      const found = assertAmong(parseSegment(laid.bytes).records, list)
      for (const n of untouched(laid, harm)) assert.ok(found.includes(n), `record ${n} is there`)
    }),
    { numRuns: 1000 },
  )
  t.pass('none was')
})

const block = fc.oneof(
  fc.constantFrom(1, 16, 512, 8192).map(size => Buffer.alloc(size)),
  fc.uint8Array({ minLength: 1, maxLength: 100 }).map(bytes => Buffer.from(bytes)),
)

t.test('zeros or anything else written over: the records around them are found', async t => {
  fc.assert(
    fc.property(records, block, fc.nat(), (list, block, where) => {
      const laid = lay(list)
      fc.pre(laid.bytes.length > 0)
      const from = where % laid.bytes.length
      const to = from + block.copy(laid.bytes, from)
      const found = assertAmong(parseSegment(laid.bytes).records, list)
      for (const n of untouched(laid, [[from, to]])) assert.ok(found.includes(n), `record ${n}`)
    }),
    { numRuns: 1000 },
  )
  t.pass('all of them')
})

t.test('zeros or anything else in between: at most one record is lost', async t => {
  fc.assert(
    fc.property(records, block, fc.nat(), (list, block, where) => {
      const { bytes, starts } = lay(list)
      const at = where % (bytes.length + 1)
      const parts = [bytes.subarray(0, at), block, bytes.subarray(at)]
      const { records: read, damaged } = parseSegment(Buffer.concat(parts))
      const found = assertAmong(read, list)
      assert.ok(found.length >= list.length - (starts.includes(at) ? 0 : 1))
      assert.ok(damaged >= block.length)
    }),
    { numRuns: 1000 },
  )
  t.pass('all of them')
})

t.test('a tail that is there twice does not break the order', async t => {
  fc.assert(
    fc.property(records, fc.nat(), (list, where) => {
      const { bytes } = lay(list)
      const tail = bytes.subarray(where % (bytes.length + 1))
      const found = parseSegment(Buffer.concat([bytes, tail])).records as Numbered[]
      for (const record of found) assert.deepEqual(record, list[record.n])
      const firsts = found.filter((r, at) => found.findIndex(f => f.n === r.n) === at)
      assert.deepEqual(firsts, list)
      const again = found.slice(list.length).map(r => r.n)
      assert.deepEqual(
        again,
        list.slice(list.length - again.length).map(r => r.n),
      )
    }),
    { numRuns: 500 },
  )
  t.pass('wherever it began')
})

t.test('no bytes make it throw', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, magic) => {
      const head = magic ? encodeRecord(1, {}).subarray(0, 4) : Buffer.alloc(0)
      const { records, damaged } = parseSegment(Buffer.concat([head, bytes]))
      assert.deepEqual(records, [])
      assert.equal(damaged, head.length + bytes.length)
    }),
    { numRuns: 1000 },
  )
  t.pass('none did')
})
