import * as fs from 'node:fs'
import type { Experiment } from '../experiment/exp.js'
import type { JournalContent } from '../experiment/journal.js'
import * as layout from '../experiment/layout.js'
import { validateMarker } from '../experiment/marker.js'
import type { PlannedRun } from '../experiment/plan.js'
import { stockOf, type Stock } from './replay.js'

/** What a leader finds on disk when it starts (replay.ts). */
export function takeStock(
  exp: Experiment,
  plan: readonly PlannedRun[],
  planId: string,
  journal: JournalContent,
  job: string | undefined,
): Stock {
  return stockOf(plan, planId, journal, job, {
    isThere: run => fs.existsSync(layout.marker(exp.path, run)),
    validate: ({ run, digest, params }) => {
      const expected = { params: digest, data: exp.data.digest, seed: params['seed'] ?? 0 }
      const found = validateMarker(exp.path, run, expected)
      return found.valid ? { epochs: found.marker.epochs } : { why: found.why }
    },
  })
}
