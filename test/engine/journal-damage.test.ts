import * as fs from 'node:fs'
import t from 'tap'
import { runId, type RunId } from '../../src/base/ids.js'
import { newReplay, replay, type Replayed } from '../../src/engine/replay.js'
import { takeStock } from '../../src/engine/stock.js'
import type { Experiment } from '../../src/experiment/exp.js'
import {
  encodeRecord,
  parseSegment,
  type JournalContent,
  type JournalRecord,
} from '../../src/experiment/journal.js'
import * as layout from '../../src/experiment/layout.js'
import { writeMarker } from '../../src/experiment/marker.js'
import type { PlannedRun } from '../../src/experiment/plan.js'

// What a restarted leader makes of a 64 kB journal that was cut, flipped or blanked: markers stay the truth.
// Every 64th place; all of them, in about half an hour, with
//   JOURNAL_DAMAGE_STEP=1 TAP_TIMEOUT=4000 node dist/test/engine/journal-damage.test.js

const STEP = Number(process.env['JOURNAL_DAMAGE_STEP'] ?? 64)
const BYTES = 64 * 1024
const RUNS = 40
const HOST = 'node-0001'

const home = fs.realpathSync(t.testdir({ '.engine': { journal: {} }, run: {} }))
const exp = { path: home, data: { digest: 'data' } } as Experiment
const ids = Array.from({ length: RUNS }, (_, i) => runId(`RUN${String(i).padStart(3, '0')}`)!)
const plan = ids.map(
  run => ({ run, digest: `digest of ${run}`, params: { seed: 0 } }) as unknown as PlannedRun,
)

/** A sweep with many failed attempts; two of three RUNs finish. */
const truth = new Map<RunId, number>()
const finished = new Map<RunId, number>()
const records: JournalRecord[] = [
  ...[{ type: 'began', epoch: 1, job: '', plan: 'plan', host: HOST, time: '' } as const],
  ...[{ type: 'snapshot', part: 0, last: true, runs: [] } as const],
]
for (let attempt = 1, bytes = 0; bytes < BYTES - RUNS * 200; attempt++)
  for (const run of ids) {
    truth.set(run, attempt)
    const given = { type: 'given', run, attempt, rank: 1, host: HOST, at: attempt } as const
    const why = { fate: 'node-lost', final: false, message: 'gone' } as const
    const ended = { type: 'ended', run, attempt, ...why, at: attempt } as const
    for (const record of [given, ended]) {
      records.push(record)
      bytes += encodeRecord(1, record).length
    }
  }
for (const [i, run] of ids.entries()) {
  const attempt = truth.get(run)! + 1
  truth.set(run, attempt)
  records.push({ type: 'given', run, attempt, rank: 1, host: HOST, at: 100 })
  if (i % 3 === 2) continue
  const outcome = { epochs: i, reason: 'completed', outputs: [] } as const
  const expected = { params: `digest of ${run}`, data: 'data', seed: 0 }
  fs.mkdirSync(layout.run(home, run))
  await writeMarker(home, run, { attempt, ...outcome, ...expected }, false)
  finished.set(run, i)
  const finish = { marker: 'm', epochs: i, reason: 'completed', seconds: 60, durable: true }
  records.push({ type: 'finished', run, attempt, finish, at: 200 })
}
const sound = Buffer.concat(records.map((record, n) => encodeRecord(n + 1, record)))

function replayed({ records, damaged }: JournalContent): Replayed {
  const found = newReplay()
  for (const record of records) replay(found, record)
  return { ...found, damaged }
}

/** @returns what is wrong with what a leader would go on with; undefined if nothing is */
function fault(bytes: Buffer, mustTell: boolean): string | undefined {
  const content = parseSegment(bytes)
  const stock = takeStock(exp, plan, 'plan', replayed(content), undefined)
  if (stock.finished.size !== finished.size) return `${stock.finished.size} RUNs finished`
  for (const [run, epochs] of stock.finished)
    if (finished.get(run) !== epochs) return `${run} finished after ${epochs} epochs`
  for (const [run, attempt] of stock.attempts)
    if (attempt > (truth.get(run) ?? 0)) return `${run} had attempt ${attempt}`
  if (mustTell && content.damaged === 0) return 'nobody is told of the damage'
  if (mustTell && stock.notes.length === 0) return 'no note tells of the damage'
  return undefined
}

t.test('the sound journal is believed', async t => {
  t.ok(sound.length > BYTES && sound.length < 1.2 * BYTES, `${sound.length} bytes`)
  t.equal(fault(sound, false), undefined)
  const { attempts, notes } = takeStock(exp, plan, 'plan', replayed(parseSegment(sound)), undefined)
  t.strictSame([...attempts].sort(), [...truth].sort())
  t.strictSame(notes, [])
})

t.test('cut anywhere: no finished RUN is lost, no attempt is made up', async t => {
  const ends = new Set([0])
  let end = 0
  for (const [n, record] of records.entries()) ends.add((end += encodeRecord(n + 1, record).length))
  for (let cut = 0; cut < sound.length; cut += STEP) {
    const why = fault(sound.subarray(0, cut), !ends.has(cut))
    if (why !== undefined) t.fail(`cut at ${cut}: ${why}`)
  }
  t.pass(`every ${STEP}. place of ${sound.length}`)
})

t.test('any bit flipped: no finished RUN is lost, and a note tells', async t => {
  const bytes = Buffer.from(sound)
  for (let bit = 0; bit < 8 * bytes.length; bit += STEP) {
    // other bits of a byte in other places: 64 is a multiple of 8
    const at = (bit + (Math.floor(bit / STEP) % 8)) % (8 * bytes.length)
    bytes[at >> 3]! ^= 1 << (at & 7)
    const why = fault(bytes, true)
    bytes[at >> 3]! ^= 1 << (at & 7)
    if (why !== undefined) t.fail(`bit ${at & 7} of byte ${at >> 3}: ${why}`)
  }
  t.ok(bytes.equals(sound), 'all is as it was')
})

t.test('8 kB of zeros anywhere: no finished RUN is lost, and a note tells', async t => {
  for (let from = 0; from <= sound.length - 8192; from += 64 * STEP) {
    const bytes = Buffer.from(sound).fill(0, from, from + 8192)
    const why = fault(bytes, true)
    if (why !== undefined) t.fail(`zeros from ${from}: ${why}`)
  }
  t.pass('no place')
})

t.test(
  'a RUN whose marker is gone runs again, whatever the journal says, and a note tells',
  async t => {
    const run = ids[0]!
    const text = fs.readFileSync(layout.marker(home, run))
    fs.rmSync(layout.marker(home, run))
    const stock = takeStock(exp, plan, 'plan', replayed(parseSegment(sound)), undefined)
    fs.writeFileSync(layout.marker(home, run), text)
    t.notOk(stock.finished.has(run))
    t.match(stock.notes, [/RUN000: the journal has it as finished, but it has no marker/])
  },
)
