import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runId, type RunId } from '../../src/base/ids.js'
import { countJournal } from '../../src/experiment/journal-counts.js'
import { encodeRecord, type JournalRecord } from '../../src/experiment/journal.js'

const id = (n: number): RunId => runId(`R${n}`)!
const began = (finished = 0, begun = 0): JournalRecord => ({
  ...{ type: 'began', epoch: 1, job: '77.pbs', plan: 'p', host: 'h', time: '2026-01-01T00:00:00Z' },
  counts: { runs: 10, finished, begun },
})
const given = (n: number, attempt = 1, at = 0): JournalRecord => ({
  ...{ type: 'given', run: id(n), attempt, rank: 1, host: 'h', at },
})
const finished = (n: number, attempt = 1, at = 0): JournalRecord => ({
  ...{ type: 'finished', run: id(n), attempt, at },
  finish: { marker: 'm', epochs: 2, reason: 'completed', seconds: 1, durable: true },
})
const ended = (n: number, final: boolean, at = 0): JournalRecord => ({
  ...{ type: 'ended', run: id(n), attempt: 1, fate: 'failed', final, message: 'x', at },
})

/** @param segments records with the sequence number of the first of each */
function journal(t: Test, ...segments: readonly (readonly [number, readonly JournalRecord[]])[]) {
  const files = segments.map(([first, records], s) => [
    `00000${s + 1}.log`,
    Buffer.concat(records.map((record, i) => encodeRecord(first + i, record))),
  ])
  return t.testdir(Object.fromEntries(files))
}

t.test('RUNs by state, when and how long', async t => {
  const records = [
    began(3, 4),
    ...[given(0), given(1), given(2), given(3)],
    ...[finished(0, 1, 2.5), ended(1, false), given(1, 2), ended(2, true, 7.5)],
  ]
  t.strictSame(countJournal(journal(t, [1, records])), {
    ...{ runs: 10, finished: 4, failed: 1, running: 2, begun: 8, done: 1 },
    ...{ began: '2026-01-01T00:00:00Z', seconds: 7.5, job: '77.pbs' },
  })
})

t.test('only the last leader counts: what it found, it says itself', async t => {
  const first = [began(), given(0), given(1), finished(0)]
  const second = [began(1, 2), given(1, 2)]
  t.match(countJournal(journal(t, [1, first], [1, second])), {
    ...{ finished: 1, running: 1, begun: 2, done: 0 },
  })
})

t.test('records that a fault of the disk had written twice count once', async t => {
  const group = [finished(0), given(1)]
  const dir = journal(t, [1, [began(), given(0), ...group]], [3, [...group, finished(1)]])
  t.match(countJournal(dir), { finished: 2, running: 0, begun: 2 })
})

t.test('a RUN that was given back without a word is not two', async t => {
  const dir = journal(t, [1, [began(), given(0), given(0, 2)]])
  t.match(countJournal(dir), { running: 1, begun: 1 })
})

t.test('a late answer makes a failed RUN a finished one', async t => {
  const dir = journal(t, [1, [began(), given(0), ended(0, true), finished(0)]])
  t.match(countJournal(dir), { finished: 1, failed: 0, running: 0 })
})

t.test('RUNs that agents kept from an earlier leader are running', async t => {
  const snapshot: JournalRecord = {
    ...{ type: 'snapshot', part: 0, last: true },
    runs: [
      [id(0), 1, null, true],
      [id(1), 1, null, false],
    ],
  }
  t.match(countJournal(journal(t, [1, [began(0, 2), snapshot]])), { running: 1, begun: 2 })
})

t.test('a record that lies across two pieces of a large file is read whole', async t => {
  const many = Array.from({ length: 20_000 }, (_, n) => [given(n), finished(n, 1, n)]).flat()
  const dir = journal(t, [1, [began(), ...many]])
  t.ok(fs.statSync(join(dir, '000001.log')).size > 4e6)
  t.match(countJournal(dir), { finished: 20_000, running: 0, begun: 20_000, seconds: 19_999 })
})

t.test('a tail that was cut off is passed over, at every byte', async t => {
  const dir = journal(t, [1, [began(), given(0), finished(0)]])
  const file = join(dir, '000001.log')
  const bytes = fs.readFileSync(file)
  const last = bytes.lastIndexOf(bytes.subarray(0, 4))
  for (let size = last; size < bytes.length; size++) {
    fs.writeFileSync(file, bytes.subarray(0, size))
    t.match(countJournal(dir), { finished: 0, running: 1 }, `${size} of ${bytes.length}`)
  }
})

t.test(
  'where it cannot tell it says so: no journal, a damaged middle, an older version',
  async t => {
    const dir = journal(t, [1, [began(), given(0), finished(0)]])
    t.equal(countJournal(join(dir, 'none')), undefined)
    const file = join(dir, '000001.log')
    const bytes = fs.readFileSync(file)
    const second = bytes.indexOf(bytes.subarray(0, 4), 1)
    fs.writeFileSync(file, Buffer.from(bytes).fill(0, second, second + 8))
    t.equal(countJournal(dir), undefined)
    const { counts, ...older } = began() as JournalRecord & { type: 'began' }
    t.ok(counts)
    fs.writeFileSync(file, encodeRecord(1, older))
    t.equal(countJournal(dir), undefined)
  },
)

t.test(
  'a head with a wrong bit is damage, wherever the bit is; its checksum is not looked at',
  async t => {
    const dir = journal(t, [1, [began(), given(0), finished(0), given(1)]])
    const file = join(dir, '000001.log')
    const bytes = fs.readFileSync(file)
    const whole = countJournal(dir)
    const second = bytes.indexOf(bytes.subarray(0, 4), 1)
    for (let bit = 0; bit < 16 * 8; bit++) {
      const wrong = Buffer.from(bytes)
      wrong[second + (bit >> 3)]! ^= 1 << (bit & 7)
      fs.writeFileSync(file, wrong)
      const isChecksum = bit >= 32 && bit < 64
      t.strictSame(countJournal(dir), isChecksum ? whole : undefined, `bit ${bit}`)
    }
  },
)
