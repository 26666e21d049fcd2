import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { exportEntries, writeArchive, type Entry } from '../analysis/export.js'
import { isWritable, tellReadOnly } from '../analysis/report-file.js'
import type { ReadableExp } from '../analysis/run-state.js'
import { shrinkLogs } from '../analysis/shrink-logs.js'
import { refuseExisting } from '../base/files.js'
import * as layout from '../experiment/layout.js'
import { makeReports, wantingReports, type MadeReports } from './make-reports.js'
import { openMeter } from './meter.js'

export interface ExportOptions {
  /** Archive to write; undefined: into the EXP. */
  readonly out: string | undefined
  /** Make the reports that are missing or old. */
  readonly makesReports: boolean
  readonly dryRun: boolean
}

export interface Exported extends MadeReports {
  /** null where nothing was written. */
  readonly file: string | null
  readonly files: number
  /** Of the archive; before it is packed where nothing was written. */
  readonly bytes: number
}

/**
 * `EXP001/EXP001.tgz`, with reports as new as its RUNs. Of an EXP that is read-only the reports are made elsewhere.
 * @throws HedError USAGE where `out` is there
 */
export async function exportExp(
  exp: ReadableExp,
  { out, makesReports, dryRun }: ExportOptions,
): Promise<Exported> {
  if (out !== undefined) refuseExisting(out)
  const isReadOnly = !isWritable(exp.path)
  const own = join(exp.path, `${basename(exp.path)}.tgz`)
  const found = wantingReports(exp.path)
  const wanting = makesReports ? found : []
  const left = (makesReports ? [] : found).flatMap(({ files }) => files)
  const old = left.map(name => `${name}: is not there, or older than its RUNs`)
  if (dryRun || (isReadOnly && out === undefined)) {
    if (!dryRun) tellReadOnly(own, true)
    const made = dryRun ? wanting.flatMap(({ files }) => files) : []
    return { file: null, ...sizeOf(exportEntries(exp.path)), made, missing: old }
  }
  const into = isReadOnly ? mkdtempSync(join(tmpdir(), 'upf-heds-export-')) : exp.path
  const meter = openMeter()
  try {
    const { made, missing } = await makeReports(exp, wanting, into, s => meter.show(s / 2))
    const elsewhere = new Map(made.map(name => [name, join(into, name)]))
    const logs = isReadOnly ? into : layout.outDirectory(exp.path)
    if (makesReports)
      for await (const { summary, skipped } of shrinkLogs(exp.path, logs))
        if (!skipped) elsewhere.set(`out/${summary}`, join(logs, summary))
    const entries = exportEntries(exp.path, elsewhere)
    const file = out ?? own
    const bytes = await writeArchive(file, exp.path, entries, s => meter.show((1 + s) / 2))
    return { file, files: sizeOf(entries).files, bytes, made, missing: [...old, ...missing] }
  } finally {
    meter.end()
    if (isReadOnly) rmSync(into, { recursive: true, force: true })
  }
}

function sizeOf(entries: readonly Entry[]): Pick<Exported, 'files' | 'bytes'> {
  const files = entries.filter(({ name }) => !name.endsWith('/'))
  const bytes = files.map(({ path }) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  return { files: files.length, bytes: bytes.reduce((a, b) => a + b, 0) }
}
