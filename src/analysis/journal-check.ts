import * as fs from 'node:fs'
import { join } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import { scanSegment, segments, type JournalRecord } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import { readPlan, type PlannedRun } from '../experiment/plan.js'

/** Whether a journal is sound, and agrees with the markers, which are the truth. */
export interface JournalCheck {
  readonly segments: readonly SegmentCheck[]
  /** RUNs of the plan with a valid marker; null where the plan is lost, and nothing can be compared. */
  readonly markers: number | null
  /** Finished in the journal, and no valid marker stands: they will run again. */
  readonly missing: readonly { readonly run: RunId; readonly why: string }[]
  /** A valid marker that the journal does not know: its leader died before it could write it. */
  readonly unknown: readonly RunId[]
  /** As those, but older than the EXP: carried over. */
  readonly carried: number
  /** No damage, neither journal nor RUN is missing. A cut tail is no damage: nothing in it was ever acknowledged. */
  readonly sound: boolean
}

export interface SegmentCheck {
  readonly name: string
  readonly bytes: number
  readonly records: number
  /** Whole records of a version that knows others than we do. */
  readonly foreign: number
  readonly damaged: readonly Damage[]
  /** Bytes of a record that the end cuts off, as a leader leaves it that dies while it writes. */
  readonly cut: number
}

export interface Damage {
  readonly offset: number
  readonly bytes: number
  /** Records that lay there, by the sequence numbers around; null at an end, below 0 where some repeat. */
  readonly records: number | null
}

/** @throws HedError USAGE if the journal may not be read */
export function checkJournal(exp: Experiment): JournalCheck {
  const directory = layout.journal(exp.path)
  const finished = new Set<RunId>()
  const checks = namesOf(directory).map(name => {
    const bytes = fs.readFileSync(join(directory, name))
    return checkSegment(name, bytes, record => note(finished, record))
  })
  const markers = compare(exp, finished)
  const isWhole = checks.every(c => c.damaged.length === 0)
  // an EXP is made with its plan: where that is lost too, nothing tells that nobody has led it
  const isGone = checks.length === 0 && (markers.markers === null || markers.unknown.length > 0)
  return { segments: checks, ...markers, sound: isWhole && !isGone && markers.missing.length === 0 }
}

/** Names of the segments. @throws HedError USAGE if they may not be read */
export function namesOf(directory: string): string[] {
  try {
    fs.accessSync(directory, fs.constants.R_OK)
    return segments(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw new HedError('USAGE', `${directory}: cannot be read: ${codeOf(error) ?? '?'}`, {
      hint: 'The journal is for the user alone who runs the sweep.',
      cause: error,
    })
  }
}

/** One segment; `onRecord` is told of each good record in order. */
export function checkSegment(
  name: string,
  bytes: Buffer,
  onRecord: (record: JournalRecord) => void,
): SegmentCheck {
  const damaged: Damage[] = []
  let records = 0
  let foreign = 0
  let cut = 0
  let sequence: number | undefined
  let open: Damage | undefined // damage before the next good record
  for (const part of scanSegment(bytes)) {
    if (part.type === 'damaged') {
      const { offset, isCut } = part
      if (isCut) cut = part.bytes
      else if (open) open = { ...open, bytes: open.bytes + part.bytes }
      else open = { offset, bytes: part.bytes, records: null }
      continue
    }
    const lost = sequence === undefined ? null : part.sequence - sequence - 1
    if (open) damaged.push({ ...open, records: lost })
    // heads join, yet a number is missing: something was cut out
    else if (lost !== null && lost !== 0)
      damaged.push({ offset: part.offset, bytes: 0, records: lost })
    open = undefined
    sequence = part.sequence
    records++
    if (part.record) onRecord(part.record)
    else foreign++
  }
  if (open) damaged.push(open)
  return { name, bytes: bytes.length, records, foreign, damaged, cut }
}

/** What stands as finished at the end. */
function note(finished: Set<RunId>, record: JournalRecord): void {
  switch (record.type) {
    case 'finished':
      finished.add(record.run)
      return
    case 'given':
      finished.delete(record.run)
      return
    case 'snapshot':
      for (const [run, , finish] of record.runs) if (finish) finished.add(run)
      return
    case 'began':
    case 'ended':
    case 'quarantined':
    case 'stopped':
  }
}

function compare(
  exp: Experiment,
  finished: ReadonlySet<RunId>,
): Pick<JournalCheck, 'markers' | 'missing' | 'unknown' | 'carried'> {
  const missing: { run: RunId; why: string }[] = []
  const unknown: RunId[] = []
  let markers = 0
  let carried = 0
  const plan = planOf(exp.path)
  if (!plan) return { markers: null, missing, unknown, carried }
  for (const { run, digest, params } of plan) {
    const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
    const found = validateMarker(exp.path, run, expected)
    if (found.valid) markers++
    if (!found.valid && finished.has(run)) missing.push({ run, why: found.why })
    if (!found.valid || finished.has(run)) continue
    if (found.marker.time < exp.created) carried++
    else unknown.push(run)
  }
  return { markers, missing, unknown, carried }
}

function planOf(exp: string): readonly PlannedRun[] | undefined {
  try {
    return readPlan(exp)
  } catch (error) {
    if (error instanceof HedError) return undefined
    throw error
  }
}

/** As many RUNs as a person reads. */
const SHOWN = 10

/** For people. */
export function checkLines({ segments: all, ...check }: JournalCheck): string[] {
  const lines = all.flatMap(segmentLines)
  if (all.length === 0) lines.push(absence(check))
  lines.push(
    check.markers === null
      ? 'the plan is GONE, so markers are not compared; resume makes it anew'
      : `${plural(check.markers, 'RUN')} with a valid marker`,
  )
  if (check.carried > 0) lines.push(`  ${check.carried} of them carried over from another EXP`)
  if (check.unknown.length > 0)
    lines.push(
      `  ${check.unknown.length} of them not in the journal: ${some(check.unknown)}`,
      '  what the journal lacks, the next leader takes from the markers',
    )
  if (check.missing.length > 0)
    lines.push(
      `${plural(check.missing.length, 'RUN')} finished in the journal, but without a valid marker:`,
      ...check.missing.slice(0, SHOWN).map(({ run, why }) => `  ${run}: ${why}`),
      ...(check.missing.length > SHOWN ? [`  … and ${check.missing.length - SHOWN} more`] : []),
      '  to be run again by resume',
    )
  return [...lines, check.sound ? 'sound' : 'NOT SOUND']
}

/** Where there is no segment. */
export function absence({ sound }: Pick<JournalCheck, 'sound'>): string {
  return sound
    ? 'there is no journal: nobody has led this experiment yet'
    : 'the journal is GONE; resume goes on from the markers'
}

function segmentLines({ name, bytes, records, foreign, damaged, cut }: SegmentCheck): string[] {
  const others = foreign > 0 ? `, ${foreign} of another version` : ''
  return [
    `${name}: ${plural(records, 'record')}, ${plural(bytes, 'byte')}${others}`,
    ...damaged.map(damageText).map(text => `  ${text}`),
    ...(cut > 0
      ? [
          `  a record cut off in the last ${plural(cut, 'byte')}: its leader died as it wrote; no damage`,
        ]
      : []),
  ]
}

function damageText({ offset, bytes, records }: Damage): string {
  const lost =
    records === null ? '' : records < 0 ? ', records repeat' : `, ${plural(records, 'record')} lost`
  return `DAMAGED at byte ${offset}${bytes === 0 ? '' : `: ${plural(bytes, 'byte')}`}${lost}`
}

function some(runs: readonly RunId[]): string {
  return runs.slice(0, SHOWN).join(', ') + (runs.length > SHOWN ? ', …' : '')
}
