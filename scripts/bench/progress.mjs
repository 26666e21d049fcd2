// What `progress` takes beyond the start of the command, for an EXP of 100,000 RUNs whose leader cannot be asked.
// Usage: npm run -s bench -- progress [--runs 100000] [--times 9]
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeRecord } from '../../dist/src/experiment/journal.js'
import * as layout from '../../dist/src/experiment/layout.js'
import { makeExp, RANK } from './parts/make-exp.mjs'
import { median, round } from './parts/measure.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    times: { type: 'string', default: '9' },
  },
})
const runs = Number(values.runs)
const { folder, exp, plan } = await makeExp(runs, 1001)
const journal = layout.journal(exp.path)
mkdirSync(journal, { recursive: true })

const finish = i => ({
  ...{ marker: 'a'.repeat(64), epochs: 20, reason: 'early stopping' },
  seconds: 100 + (i % 1000) / 997,
})

function segment(name, records) {
  const bytes = [...records].map((record, i) => encodeRecord(i + 1, record))
  writeFileSync(join(journal, name), Buffer.concat(bytes))
}

/** A leader's first words. */
function began(epoch, finished, begun) {
  const time = new Date().toISOString()
  const counts = { runs, finished, begun }
  return { type: 'began', epoch, job: '', plan: '', host: 'elsewhere', time, counts }
}

/** Nearly all RUNs in one life: 2 records a RUN. */
function* oneLife() {
  yield began(1, 0, 0)
  for (const [i, { run }] of plan.entries()) {
    const at = i / 100
    yield { type: 'given', run, attempt: 1, rank: 1 + (i % 1000), host: `node-${i % 1000}`, at }
    if (i < runs - 1000) yield { type: 'finished', run, attempt: 1, finish: finish(i), at: at + 10 }
  }
}

/** As a leader that comes after it begins its own. */
function* nextLife() {
  yield began(2, runs - 1000, runs)
  const known = plan.map(({ run }, i) => [run, 1, i < runs - 1000 ? finish(i) : null, false])
  for (let at = 0, part = 0; at < runs; at += 2000, part++)
    yield {
      ...{ type: 'snapshot', part, last: at + 2000 >= runs },
      runs: known.slice(at, at + 2000),
    }
}

/** Held elsewhere, so that nobody here can ask the leader. */
mkdirSync(join(layout.engine(exp.path), 'lock'))
const holder = { host: 'elsewhere', boot: '', pid: 1, start: '', counter: 1 }
writeFileSync(layout.lockHolder(exp.path), JSON.stringify(holder))

function time(args) {
  const begun = performance.now()
  const { status, stderr, stdout } = spawnSync(process.execPath, [RANK, ...args])
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return { ms: performance.now() - begun, stdout: stdout.toString() }
}

function measure(wanted) {
  const startUps = []
  const all = []
  for (let i = 0; i < Number(values.times); i++) {
    startUps.push(time(['progress', '--help']).ms)
    const { ms, stdout } = time(['progress', exp.path, '--json'])
    all.push(ms)
    const { done, source } = JSON.parse(stdout)
    if (done !== runs - 1000 || source !== wanted) throw new Error(`${done} done, by ${source}`)
  }
  return median(all) - median(startUps)
}

segment('000001.log', oneLife())
const oneLifeMs = measure('journal')
segment('000002.log', nextLife())
const nextLifeMs = measure('journal')
rmSync(join(layout.engine(exp.path), 'lock'), { recursive: true })
writeFileSync(
  layout.status(exp.path),
  JSON.stringify({
    ...{ exit: 6, reason: 'SIGTERM', finished: runs - 1000, failed: 0, notStarted: 1000 },
    ...{ begun: runs, started: new Date(0), ended: new Date() },
  }),
)
const endedMs = measure('status')
const megabytes = readFileSync(join(journal, '000001.log')).length / 1e6
rmSync(folder, { recursive: true })
const worst = Math.max(oneLifeMs, nextLifeMs, endedMs)
console.log(
  JSON.stringify({
    bench: 'progress',
    runs,
    journal_mb: round(megabytes),
    one_life_ms: round(oneLifeMs),
    after_restart_ms: round(nextLifeMs),
    ended_ms: round(endedMs),
    bar_ms: 100,
    ok: worst <= 100,
  }),
)
