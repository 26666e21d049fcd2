import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openJournal } from '../../src/engine/journal.js'
import { runId } from '../../src/base/ids.js'
import {
  encodeRecord,
  parseSegment,
  readJournal,
  readJournalTail,
} from '../../src/experiment/journal.js'

const records = Array.from({ length: 20 }, (_, n) => ({
  type: 'given' as const,
  run: runId(`RUN${n}`)!,
  attempt: n,
  rank: 1,
  host: 'h1',
  at: n,
}))
const segment = Buffer.concat(records.map((r, n) => encodeRecord(n + 1, r)))

t.test('what is appended is there after close, over several lives', async t => {
  const directory = join(t.testdir(), 'journal')
  for (const part of [records.slice(0, 12), records.slice(12)]) {
    const journal = await openJournal(directory)
    await Promise.all(part.map(r => journal.append(r)))
    await journal.close()
  }
  t.strictSame(readJournal(directory), { records, damaged: 0 })
  t.strictSame(readdirSync(directory), ['000001.log', '000002.log'])
})

t.test('cut at every byte: all whole records before the cut, never a wrong one', async t => {
  const ends = records.map((_, n) =>
    records.slice(0, n + 1).reduce((sum, r, m) => sum + encodeRecord(m + 1, r).length, 0),
  )
  for (let cut = 0; cut <= segment.length; cut++) {
    const whole = ends.filter(end => end <= cut).length
    const found = parseSegment(segment.subarray(0, cut)).records
    if (found.length !== whole) t.fail(`cut at ${cut}: ${found.length} records, want ${whole}`)
  }
  t.strictSame(parseSegment(segment).records, records)
})

t.test('any flipped bit loses at most the record it lies in', async t => {
  for (let at = 0; at < segment.length; at++)
    for (let bit = 0; bit < 8; bit += 3) {
      const bytes = Buffer.from(segment)
      bytes[at] = bytes[at]! ^ (1 << bit)
      const found = parseSegment(bytes).records
      const wrong = found.filter(f => !records.some(r => JSON.stringify(r) === JSON.stringify(f)))
      if (wrong.length > 0 || found.length < records.length - 1)
        t.fail(`bit ${bit} of byte ${at}: ${found.length} records, ${wrong.length} wrong`)
    }
  t.pass('every byte tried')
})

t.test('8 kB of zeros in the middle: the records after it are found', async t => {
  const middle = encodeRecord(1, records[0]).length * 10
  const directory = t.testdir({ journal: {} })
  const path = join(directory, 'journal', '000001.log')
  writeFileSync(path, segment.subarray(0, middle))
  appendFileSync(path, Buffer.alloc(8192))
  appendFileSync(path, segment.subarray(middle))
  const { records: found, damaged } = readJournal(join(directory, 'journal'))
  t.ok(found.length >= records.length - 1)
  t.strictSame(found.at(-1), records.at(-1))
  t.ok(damaged >= 8192)
  t.equal(readFileSync(path).length, segment.length + 8192, 'reading changes nothing')
})

t.test(
  'a restart reads from the last whole snapshot on; one that lies in damage does not count',
  async t => {
    const segments = [1, 2, 3].map(n => {
      const run = runId(`SNAP${n}`)!
      const heads = [0, 1].map(part => ({
        ...{ type: 'snapshot' as const, part, last: part === 1 },
        runs: part === 0 ? [[run, n, null, false]] : [],
      }))
      return [...heads, records[n]!].map((record, i) => encodeRecord(i + 1, record))
    })
    const directory = t.testdir()
    const write = (n: number, parts: readonly Buffer[]) =>
      writeFileSync(join(directory, `00000${n + 1}.log`), Buffer.concat(parts))
    const read = () => {
      let names: string[] = []
      const damaged = readJournalTail(directory, () => {
        names = []
        return record => {
          if (record.type === 'snapshot') names.push(...record.runs.map(([run]) => run))
          if (record.type === 'given') names.push(record.run)
        }
      })
      return { names, damaged }
    }
    t.strictSame(read(), { names: [], damaged: 0 }, 'none')
    segments.forEach((parts, n) => write(n, parts))
    t.strictSame(read(), { names: ['SNAP3', 'RUN3'], damaged: 0 })

    const broken = Buffer.from(segments[2]![2]!)
    broken[broken.length - 1]! ^= 1
    write(2, [...segments[2]!.slice(0, 2), broken])
    const two = ['SNAP2', 'RUN2', 'SNAP3']
    t.strictSame(read(), { names: two, damaged: broken.length }, 'damage behind the snapshot')
    write(2, [segments[2]![0]!, segments[2]![2]!])
    t.strictSame(read().names, [...two, 'RUN3'], 'a part of the snapshot is missing')
    write(1, segments[1]!.slice(2))
    t.strictSame(read().names, ['SNAP1', 'RUN1', 'RUN2', 'SNAP3', 'RUN3'])
  },
)
