import { createReadStream, existsSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { writeAtomicSync } from '../base/files.js'
import { sizeText } from '../base/size.js'
import * as layout from '../experiment/layout.js'

export interface Shrunk {
  /** Below `out/`. */
  readonly log: string
  readonly summary: string
  readonly bytes: number
  readonly left: number
  /** The summary was newer than the log. */
  readonly skipped: boolean
}

/** Of the training lines of one RUN in a row: the first and last ones, and one of so many between. */
const [ENDS, ONE_OF] = [3, 100]

/**
 * `out/out-001.txt` → `out/summary-001.txt`: training lines are thinned, empty and repeated ones left out. All other lines
 * stay as they are. What a thinned line of ours said stands in the RUN's history.txt.
 * @param into folder of the summaries; undefined: nothing is written
 */
export async function* shrinkLogs(
  exp: string,
  into: string | undefined,
): AsyncGenerator<Shrunk, void> {
  const folder = layout.outDirectory(exp)
  for (const log of existsSync(folder) ? readdirSync(folder).sort() : []) {
    if (!/^out-.*\.txt$/.test(log)) continue
    const summary = log.replace(/^out/, 'summary')
    const from = join(folder, log)
    const before = statSync(from)
    if (!before.isFile()) continue
    const there = statSync(join(folder, summary), { throwIfNoEntry: false })
    if (there !== undefined && there.mtimeMs >= before.mtimeMs) {
      yield { log, summary, bytes: before.size, left: there.size, skipped: true }
      continue
    }
    const text = await summaryOf(from)
    if (into !== undefined) {
      const to = join(into, summary)
      writeAtomicSync(to, text)
      // lines that came while it was read make the log newer than its summary; a Date has whole milliseconds
      utimesSync(to, before.atime, new Date(Math.ceil(before.mtimeMs)))
    }
    yield { log, summary, bytes: before.size, left: Buffer.byteLength(text), skipped: false }
  }
}

/** Twice through the file: which training line is among the last is known only after its block. */
async function summaryOf(path: string): Promise<string> {
  const kept = new Set<number>()
  const blocks = new Map<string, number[]>()
  let training = 0
  const close = (lines: readonly number[]) => {
    for (const [at, line] of lines.entries())
      if (at < ENDS || at >= lines.length - ENDS || (at - ENDS + 1) % ONE_OF === 0) kept.add(line)
  }
  for await (const { text, at } of linesOf(path)) {
    const run = runOf(text)
    if (!isTraining(text)) {
      close(blocks.get(run) ?? [])
      blocks.delete(run)
      continue
    }
    training++
    const block = blocks.get(run)
    if (block) block.push(at)
    else blocks.set(run, [at])
  }
  for (const block of blocks.values()) close(block)
  const out: string[] = []
  let last = ''
  for await (const { text, at } of linesOf(path)) {
    if (isTraining(text) && !kept.has(at)) continue
    if (text !== last) out.push(`${text}\n`)
    last = text
  }
  const thinned = training - kept.size
  if (thinned > 0) out.push(`(${thinned} training lines left out of ${basename(path)})\n`)
  return out.join('')
}

/** Carriage returns end lines too: progress bars are made of them. */
async function* linesOf(
  path: string,
): AsyncGenerator<{ readonly text: string; readonly at: number }, void> {
  let at = 0
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  for await (const line of lines)
    for (const part of line.split('\r')) {
      const text = part.replaceAll('\b', '').trimEnd()
      if (text !== '') yield { text, at: at++ }
    }
}

/** Our line after an epoch, and the batches of the original's and Keras' progress bars; a bar's last has val_loss. */
function isTraining(text: string): boolean {
  return (
    /: epoch \d+\/\d+ loss .* val_loss /.test(text) ||
    (/batch:|Current|\bETA: |\d+\/\d+ \[[=>.━ ]*\]/.test(text) && !text.includes('val_loss'))
  )
}

/** Ranks that serve several RUNs mix their lines. */
function runOf(text: string): string {
  return /^\S+ \S+ (\S+?):? /.exec(text)?.[1] ?? ''
}

/** Upstream's form. @param isWritten false: it says what would be */
export function shrunkLine({ summary, bytes, left, skipped }: Shrunk, isWritten: boolean): string {
  const done = isWritten ? 'shrank:' : 'would shrink:'
  return skipped
    ? `skipping:  ${summary}`
    : `${done}  ${sizeText(bytes).padStart(10)} -> ${sizeText(left).padStart(10)}  ${summary}`
}
