// How long a leader takes to know where a sweep of 100,000 RUNs stands: from a good journal, and from the
// markers alone. Plan, journal, stock and the leader's tables are all counted; each time in a new process.
// Usage: npm run -s bench -- restart [--runs 100000] [--times 5]
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sha256 } from '../../dist/src/base/digest.js'
import { encodeRecord } from '../../dist/src/experiment/journal.js'
import * as layout from '../../dist/src/experiment/layout.js'
import { readPlanWithId } from '../../dist/src/experiment/plan.js'
import { makeExp } from './parts/make-exp.mjs'
import { median, round } from './parts/measure.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    times: { type: 'string', default: '5' },
  },
})
const count = Number(values.runs)
const { folder, exp } = await makeExp(count, 2)
const plan = readPlanWithId(exp.path)
const records = []
const add = record => records.push(encodeRecord(records.length + 1, record))
const time = new Date().toISOString()
add({ type: 'began', epoch: 1, job: '', plan: plan.id, host: 'h', time })
add({ type: 'snapshot', part: 0, last: true, runs: [] })
for (const { run, digest } of plan.runs) {
  const outcome = { run, attempt: 1, epochs: 20, reason: 'completed', params: digest }
  const marker = { ...outcome, data: exp.data.digest, seed: 0, outputs: [], time }
  const text = `${JSON.stringify(marker)}\n`
  mkdirSync(layout.run(exp.path, run))
  writeFileSync(layout.marker(exp.path, run), text)
  const finish = { marker: sha256(text), bytes: text.length, epochs: 20, reason: 'completed' }
  add({ type: 'given', run, attempt: 1, rank: 1, host: 'node-0001', at: 1.5 })
  const whole = { ...finish, seconds: 60, durable: true }
  add({ type: 'finished', run, attempt: 1, finish: whole, at: 61.5 })
}
const journal = layout.journal(exp.path)
const START = fileURLToPath(new URL('./parts/start-leader.mjs', import.meta.url))
const start = () => {
  const { stdout, stderr } = spawnSync(process.execPath, [START, exp.path], { encoding: 'utf8' })
  if (stderr) throw new Error(stderr)
  const result = JSON.parse(stdout)
  if (result.finished !== count) throw new Error(`${result.finished} of ${count} RUNs found`)
  return result
}
const fromJournal = []
const fromMarkers = []
for (let i = 0; i < Number(values.times); i++) {
  mkdirSync(journal, { recursive: true })
  writeFileSync(join(journal, '000001.log'), Buffer.concat(records))
  fromJournal.push(start())
  rmSync(journal, { recursive: true })
  fromMarkers.push(start())
  console.log(JSON.stringify({ journal: fromJournal.at(-1), markers: fromMarkers.at(-1) }))
}
rmSync(folder, { recursive: true })
const seconds = (results, key = 'seconds') => round(median(results.map(r => r[key])))
const journal_s = seconds(fromJournal)
const markers_s = seconds(fromMarkers)
console.log(
  JSON.stringify({
    bench: 'restart',
    runs: count,
    journal_s,
    markers_s,
    of_it_plan_s: seconds(fromJournal, 'plan'),
    journal_mb: round(Buffer.concat(records).length / 1e6),
    bar_journal_s: 1,
    bar_markers_s: 5,
    ok: journal_s <= 1 && markers_s <= 5,
  }),
)
