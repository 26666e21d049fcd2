// What chaos.mjs reads off an EXP and its processes. Imported when dist/ is built.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clearInterval, setInterval } from 'node:timers'
import { parseTrained, slowResult } from '../dist/test/e2e/slow-workflow.js'
import { readJournal } from '../dist/src/engine/journal.js'
import { openExp } from '../dist/src/experiment/exp.js'
import * as layout from '../dist/src/experiment/layout.js'
import { validateMarker } from '../dist/src/experiment/marker.js'
import { readPlan } from '../dist/src/experiment/plan.js'

/** Rank → RUN that the journal has there. */
export function runningByRank(exp) {
  const running = new Map()
  const rankOf = new Map()
  for (const record of readJournal(layout.journal(exp)).records) {
    if (record.type === 'given') {
      running.set(record.rank, record.run)
      rankOf.set(record.run, record.rank)
    } else if (running.get(rankOf.get(record.run)) === record.run)
      running.delete(rankOf.get(record.run))
  }
  return running
}

/** Parent of a process; undefined if it is gone. */
export function parentOf(pid) {
  const stat = tryRead(`/proc/${pid}/stat`)
  return stat && Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** RUNs with a valid marker. */
export function countFinished(path) {
  const { data } = openExp(path, '.')
  return readPlan(path).filter(planned => marked(path, planned, data.digest).valid).length
}

/** How an attempt ends by what chaos.mjs does; any other fate is somebody's fault. */
const OUR_FATES = ['crashed', 'node-lost', 'stopped']

/**
 * Everything that must hold when the sweep is over.
 * @param faults { begin, end } in ms since 1970; @param slack ms after a fault in which it still has effects
 */
export function verdict(path, faults, slack) {
  const { id, data, settings } = openExp(path, '.')
  const problems = []
  const accepted = new Map()
  const { records, damaged } = readJournal(layout.journal(path))
  if (damaged > 0) problems.push(`journal: ${damaged} damaged bytes`)
  for (const { type, run, attempt, fate, final, message } of records) {
    if (type === 'finished') accepted.set(run, (accepted.get(run) ?? 0) + 1)
    if (type !== 'ended') continue
    if (final) problems.push(`${run} failed: ${message}`)
    else if (!OUR_FATES.includes(fate))
      problems.push(`${run} attempt ${attempt} ended as ${fate}: ${message}`)
  }
  const leaderKilled = faults.some(f => f.kind === 'kill-leader')
  const sum = { finished: 0, again: 0, unjournaled: 0, begun: 0, epochs: 0 }
  for (const planned of readPlan(path)) {
    const { run, params } = planned
    const found = marked(path, planned, data.digest)
    if (!found.valid) {
      problems.push(`${run} is not finished: ${found.why}`)
      continue
    }
    sum.finished++
    const times = accepted.get(run) ?? 0
    if (times === 0) sum.unjournaled++
    // a leader killed between marker and journal: the next one finds the marker
    if (times > 1 || (times === 0 && !leaderKilled)) problems.push(`${run} accepted ${times} times`)
    if (tryRead(join(layout.run(path, run), 'result.txt')) !== slowResult(params))
      problems.push(`${run} has another result`)
    const trained = judgeTraining(path, run, Number(params.epochs), faults, slack)
    problems.push(...trained.problems)
    sum.again += trained.attempts - 1
    sum.begun += trained.begun
    sum.epochs += Number(params.epochs)
  }
  problems.push(...leftovers(path, join(settings.TMP_ROOT, id)))
  const summary =
    `epochs: ${sum.begun} begun for ${sum.epochs}; ${sum.again} attempts were repeated; ` +
    `${sum.unjournaled} RUNs finished by marker alone`
  return { ...sum, problems, summary }
}

/** No attempt loses more than the one epoch it was in, and each but the first has a fault to blame. */
function judgeTraining(path, run, epochs, faults, slack) {
  const lines = parseTrained(tryRead(join(layout.run(path, run), 'trained.txt')) ?? '')
  const problems = []
  const starts = new Map()
  let durable = 0
  let begun = 0
  for (const { what, epoch, attempt, time } of lines) {
    if (what === 'end') durable = Math.max(durable, epoch)
    else {
      begun++
      if (!starts.has(attempt) && epoch < durable)
        problems.push(`${run}: ${attempt} began with epoch ${epoch}, ${durable} was durable`)
      if (!starts.has(attempt)) starts.set(attempt, time)
    }
  }
  const attempts = Math.max(1, starts.size)
  const times = [...starts.values()]
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const touched = faults.filter(f => f.begin <= last && (f.end ?? Infinity) + slack >= first).length
  if (begun > epochs + attempts - 1)
    problems.push(`${run}: ${begun} epochs begun for ${epochs} in ${attempts} attempts`)
  if (attempts - 1 > touched)
    problems.push(`${run}: ${attempts} attempts, but ${touched} faults in its time`)
  return { problems, attempts, begun }
}

function marked(path, { run, digest, params }, data) {
  return validateMarker(path, run, { params: digest, data, seed: params.seed ?? 0 }, true)
}

function leftovers(path, temporary) {
  const left = readdirSync(path, { recursive: true }).filter(name => {
    const base = name.split('/').at(-1)
    return /^work-|\.tmp$|^\..+\.\d+\.[0-9a-f]{8}$/.test(base) || /\.engine\/lock/.test(name)
  })
  const inTemporary = existsSync(temporary) ? readdirSync(temporary) : []
  return [...left, ...inTemporary.map(name => join(temporary, name))].map(n => `left over: ${n}`)
}

const EVERY_MS = 1000
/** A process that has just started still grows. */
const SETTLED_MS = 10_000
/** Shorter lives say nothing about a slope. */
const LEAST_MS = 60_000
/** What a whole life may grow by, as fitted. A leak of a kB a second passes this in nine hours. */
const MOST = { MB: 32, fds: 8 }

/** Memory and descriptors of leader and agents over their lives. */
export function watchProcesses() {
  const lives = []
  const look = () => {
    for (const life of lives) {
      if (life.gone) continue
      const rss = /VmRSS:\s+(\d+)/.exec(tryRead(`/proc/${life.pid}/status`) ?? '')?.[1]
      const fds = tryList(`/proc/${life.pid}/fd`)
      if (rss === undefined || fds === undefined) life.gone = true
      else life.samples.push({ t: performance.now(), MB: Number(rss) / 1024, fds: fds.length })
    }
  }
  const timer = setInterval(look, EVERY_MS)
  const fits = () => lives.flatMap(fit)
  return {
    add: (rank, pid) => lives.push({ rank, pid, gone: false, samples: [] }),
    stop: () => clearInterval(timer),
    /** For each rank its two longest lives. */
    lines: () =>
      fits()
        .sort((a, b) => a.rank - b.rank || b.ms - a.ms)
        .filter((f, i, all) => f.rank !== all[i - 2]?.rank)
        .map(describeFit),
    problems: () =>
      fits()
        .filter(f => f.ms >= LEAST_MS && (f.MB.growth > MOST.MB || f.fds.growth > MOST.fds))
        .map(f => `it grows: ${describeFit(f)}`),
  }
}

function fit({ rank, samples }) {
  const settled = samples.filter(s => s.t - samples[0].t >= SETTLED_MS)
  if (settled.length < 10) return []
  const ms = settled.at(-1).t - settled[0].t
  const of = name => {
    const slope = leastSquares(settled.map(s => [s.t, s[name]]))
    return { slope: slope * 60_000, growth: slope * ms, last: settled.at(-1)[name] }
  }
  return [{ rank, ms, MB: of('MB'), fds: of('fds') }]
}

function describeFit({ rank, ms, MB, fds }) {
  const per = ({ last, slope }) => `${last.toFixed(0)}, ${slope.toFixed(2)} a minute`
  const who = rank === 0 ? 'leader' : `agent ${rank}`
  return `${who} over ${(ms / 1000).toFixed(0)} s: RSS in MB ${per(MB)}; descriptors ${per(fds)}`
}

/** Slope of y over x. */
function leastSquares(points) {
  const mean = i => points.reduce((sum, p) => sum + p[i], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const above = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0)
  return above / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0)
}

function tryRead(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function tryList(path) {
  try {
    return readdirSync(path)
  } catch {
    return undefined
  }
}
