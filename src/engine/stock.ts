import * as fs from 'node:fs'
import type { RunId } from '../base/ids.js'
import type { Experiment } from '../experiment/exp.js'
import { readJournalTail } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import type { PlannedRun } from '../experiment/plan.js'
import { newReplay, replay, stockOf, type Replayed, type Stock } from './replay.js'

/** The journal of an EXP, from its last snapshot on. */
export function replayJournal(exp: string): Replayed {
  let found = newReplay()
  const damaged = readJournalTail(layout.journal(exp), () => {
    const fresh = (found = newReplay())
    return record => replay(fresh, record)
  })
  return { ...found, damaged }
}

/**
 * What a leader finds on disk when it starts (replay.ts).
 * @param isThere has it a marker, valid or not?
 */
export function takeStock(
  exp: Experiment,
  plan: readonly PlannedRun[],
  planId: string,
  said: Replayed,
  job: string | undefined,
  isThere = (run: RunId): boolean => fs.existsSync(layout.marker(exp.path, run)),
): Stock {
  return stockOf(plan, planId, said, job, {
    isThere,
    validate: ({ run, digest, params }) => {
      const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
      const found = validateMarker(exp.path, run, expected)
      return found.valid ? { epochs: found.marker.epochs } : { why: found.why }
    },
  })
}
