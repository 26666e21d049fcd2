import * as fs from 'node:fs'
import { join } from 'node:path'
import { openExp, type Experiment } from '../../src/experiment/exp.js'
import { readJournal } from '../../src/experiment/journal.js'
import * as layout from '../../src/experiment/layout.js'
import { validateMarker } from '../../src/experiment/marker.js'
import { readPlan, type PlannedRun } from '../../src/experiment/plan.js'
import { readIfThere } from '../../src/base/files.js'
import { parseTrained, slowResult } from './slow-workflow.js'
import { processes } from './sweep.js'

/** What was found in an EXP of the slow workflow, and what of it must not be. */
export interface Found {
  /** Empty if everything holds. */
  readonly problems: readonly string[]
  readonly finished: number
  readonly failed: number
  /** Neither finished nor failed: a resumed sweep would run them. */
  readonly left: number
  /** RUNs whose marker stands though no journal names them: their leader died in between. */
  readonly byMarker: number
  /** Epochs that finished RUNs have; and those that were begun for them. */
  readonly epochs: number
  readonly begun: number
  /** Attempts beyond the first of each RUN, as they trained. */
  readonly again: number
  /** Attempts that ended, by their fate, as the journal has them. */
  readonly fates: Readonly<Record<string, number>>
}

/**
 * What must hold after every fault, whatever it was (engine.md, "What must survive"):
 * one final state a line · no RUN accepted twice · finished ⇒ marker valid and the result as it would be
 * without the fault · at most one epoch lost an attempt · no process, socket or temporary file left.
 *
 * @param isOver false while the sweep runs: then what only its end can show is not asked for
 */
export function invariants(path: string, isOver = true): Found {
  const exp = openExp(path, '.')
  const problems: string[] = []
  const { records, damaged } = decisions(path)
  // a leader that was killed, or whose disk failed, may leave a cut tail: no record was acked from it
  const lives = records.filter(r => r.type === 'began').length
  if (damaged > 0 && lives < 2 && isOver) problems.push(`journal: ${damaged} damaged bytes`)
  const accepted = new Map<string, number>()
  const given = new Set<string>()
  const failed = new Set<string>()
  const fates: Record<string, number> = {}
  for (const record of records) {
    if (record.type === 'given') {
      if (given.has(`${record.run}/${record.attempt}`))
        problems.push(`${record.run} attempt ${record.attempt} was given out twice`)
      given.add(`${record.run}/${record.attempt}`)
      failed.delete(record.run) // by an earlier leader
    }
    if (record.type === 'finished') accepted.set(record.run, (accepted.get(record.run) ?? 0) + 1)
    if (record.type !== 'ended') continue
    fates[record.fate] = (fates[record.fate] ?? 0) + 1
    if (record.final) failed.add(record.run)
  }
  const sum = { finished: 0, failed: 0, left: 0, byMarker: 0, epochs: 0, begun: 0, again: 0 }
  for (const planned of readPlan(path)) {
    const { run, params } = planned
    const times = accepted.get(run) ?? 0
    if (times > 1) problems.push(`${run} was accepted ${times} times`)
    const trained = judgeTraining(path, planned)
    problems.push(...trained.problems)
    const why = finishedOr(exp, planned)
    if (why !== undefined) {
      if (times > 0) problems.push(`${run} was accepted, but ${why}`)
      sum[failed.has(run) ? 'failed' : 'left']++
      continue
    }
    sum.finished++
    sum.epochs += Number(params['epochs'])
    sum.begun += trained.begun
    sum.again += trained.attempts - 1
    if (times === 0) sum.byMarker++
    if (failed.has(run)) problems.push(`${run} is finished and failed`)
    if (readIfThere(join(layout.run(path, run), 'result.txt')) !== slowResult(params))
      problems.push(`${run} has another result`)
  }
  if (isOver) problems.push(...atTheEnd(exp, sum), ...leftovers(exp))
  return { problems, ...sum, fates }
}

/**
 * Resolves when no process of the EXP lives. They end within 2 s; a busy machine needs longer.
 * @throws naming those that are left after `seconds`
 */
export async function gone(exp: string, seconds = 20): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (processes(exp).length > 0) {
    if (performance.now() > end) throw new Error(JSON.stringify(processes(exp)))
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** RUN → how often it was given out, as the journal has it. */
export function attempts(path: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const record of decisions(path).records)
    if (record.type === 'given')
      found[record.run] = Math.max(found[record.run] ?? 0, record.attempt)
  return found
}

/** The journal; what was written again because it could not be synced was decided once. */
function decisions(path: string): ReturnType<typeof readJournal> {
  const { records, damaged } = readJournal(layout.journal(path))
  return { records: [...new Map(records.map(r => [JSON.stringify(r), r])).values()], damaged }
}

/** @returns why it is not finished */
function finishedOr(exp: Experiment, { run, digest, params }: PlannedRun): string | undefined {
  const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
  const found = validateMarker(exp.path, run, expected, true)
  return found.valid ? undefined : found.why
}

/** No attempt loses more than the one epoch it was in, and none begins before what was durable. */
function judgeTraining(path: string, { run, params }: PlannedRun) {
  const lines = parseTrained(readIfThere(join(layout.run(path, run), 'trained.txt')) ?? '')
  const epochs = Number(params['epochs'])
  const problems: string[] = []
  const seen = new Set<string>()
  let durable = 0
  let begun = 0
  for (const { what, epoch, attempt } of lines) {
    if (what === 'end') {
      durable = Math.max(durable, epoch)
      continue
    }
    begun++
    if (!seen.has(attempt) && epoch < durable)
      problems.push(`${run}: ${attempt} began with epoch ${epoch}, ${durable} was durable`)
    seen.add(attempt)
  }
  const attempts = Math.max(1, seen.size)
  if (begun > epochs + attempts - 1)
    problems.push(`${run}: ${begun} epochs begun for ${epochs} in ${attempts} attempts`)
  return { problems, attempts, begun }
}

function atTheEnd({ path }: Experiment, sum: { finished: number; failed: number; left: number }) {
  const living = processes(path).map(p => `${p.kind} ${p.pid} is left behind`)
  const text = readIfThere(layout.status(path))
  if (text === undefined) return living // its leader was killed
  const { exit, finished, failed, notStarted } = JSON.parse(text) as Record<string, number>
  const said = `exit ${exit}, ${finished} finished, ${failed} failed, ${notStarted} left`
  const wanted = sum.left > 0 ? [6, 3] : sum.failed > 0 ? [5] : [0]
  const isTrue =
    wanted.includes(exit!) &&
    finished === sum.finished &&
    failed === sum.failed &&
    notStarted === sum.left
  return isTrue ? living : [...living, `status.json says ${said}; it is ${JSON.stringify(sum)}`]
}

/** What a killed process leaves must be gone by the end of the sweep, or of the one that resumes it. */
function leftovers({ path, id, settings: { TMP_ROOT } }: Experiment): string[] {
  const left = names(path).filter(
    name =>
      /(^|\/)(work-[^/]+|\.[^/]+\.\d+\.[0-9a-f]{8}(\.\d+)?)$/.test(name) ||
      /^\.engine\/lock/.test(name) ||
      /\.tmp$/.test(name),
  )
  const temporary = [
    ...names(join(TMP_ROOT, id)),
    ...names(join(TMP_ROOT, 'status')).filter(name => name.startsWith(id.slice(-12))),
  ]
  return [...left, ...temporary].map(name => `left over: ${name}`)
}

function names(directory: string): string[] {
  if (!fs.existsSync(directory)) return []
  return fs.readdirSync(directory, { recursive: true }).map(String)
}
