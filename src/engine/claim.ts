import * as fs from 'node:fs'
import { sha256 } from '../base/digest.js'
import { codeOf, HedError } from '../base/errors.js'
import { readIfThere, replaceSync } from '../base/files.js'
import type { Finish } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarker, type Expected } from '../experiment/marker.js'
import { parametersText } from '../experiment/parameters-file.js'
import { Stopped } from '../experiment/workflow.js'
import type { ToExecutor } from './executor-protocol.js'

type Task = ToExecutor & { readonly type: 'run' }

/**
 * Take a RUN's directory for an attempt: rank.txt says whose it is from now on. A late order takes it from
 * no newer attempt.
 *
 * @returns what the attempt wrote into rank.txt, or what an earlier attempt finished and nobody has heard of
 * @throws Stopped if a newer attempt has it
 */
export function claim(task: Task, expected: Expected): { ownership: string } | { finish: Finish } {
  const { order, exp, rank, host, tile, leaderEpoch } = task
  const { run, attempt, params, origins, resolved } = order
  const isNew = makeDirectory(layout.run(exp, run))
  if (!isNew) {
    if (isNewer(readIfThere(layout.rankFile(exp, run)) ?? '', task)) {
      console.log(`${run}: a newer attempt than ${attempt} has it`)
      throw new Stopped()
    }
    const finish = finishedBefore(exp, run, expected)
    if (finish) return { finish }
  }
  const place = `rank = ${rank}\nhost = ${host}\ntile = ${tile}\n`
  const ownership = `${place}attempt = ${attempt}\nleader = ${leaderEpoch}\nexp = ${exp}\n`
  // files that lie there may be links of another EXP's: never written in place
  const write = isNew ? fs.writeFileSync : replaceSync
  write(layout.rankFile(exp, run), ownership)
  write(layout.parameters(exp, run), parametersText(params, origins, resolved))
  return { ownership }
}

/** @returns false if it is there. `run` itself is not made: an EXP that was moved away must not come back. */
function makeDirectory(path: string): boolean {
  try {
    fs.mkdirSync(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && fs.statSync(path).isDirectory()) return false
    if (codeOf(error) === 'EEXIST')
      throw new HedError('FAILED', `${path}: is no folder, want that of a RUN`, {
        hint: 'Move it away, then resume.',
        cause: error,
      })
    if (codeOf(error) === 'ENOENT')
      throw new HedError('STOPPED', `${path}: cannot be made: the EXP was moved or removed`, {
        cause: error,
      })
    throw error
  }
}

/** What a valid marker says, as if its attempt had told it just now. */
export function finishedBefore(
  exp: string,
  run: Task['order']['run'],
  expected: Expected,
): Finish | undefined {
  if (!fs.existsSync(layout.marker(exp, run))) return undefined // what is not there costs a read dear
  const text = readIfThere(layout.marker(exp, run)) ?? ''
  const found = validateMarker(exp, run, expected)
  if (!found.valid) return undefined
  const { epochs, reason } = found.marker
  // whether it was synced is not known: a restart shall read it
  return { marker: sha256(text), epochs, reason, seconds: -1, durable: false }
}

/** Is rank.txt that of a later leader's or a later attempt in this EXP? */
function isNewer(text: string, { order, exp, leaderEpoch }: Task): boolean {
  const value = (key: string) => new RegExp(`^${key} = (.*)$`, 'm').exec(text)?.[1]
  if (value('exp') !== exp) return false // brought over from another EXP
  const leader = Number(value('leader'))
  return (
    leader > leaderEpoch || (leader === leaderEpoch && Number(value('attempt')) > order.attempt)
  )
}
