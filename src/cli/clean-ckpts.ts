import { readdirSync } from 'node:fs'
import { isReadOnly } from '../analysis/report-file.js'
import { HedError } from '../base/errors.js'
import { runId, type RunId } from '../base/ids.js'
import { plural } from '../base/plural.js'
import { sizeText } from '../base/size.js'
import * as layout from '../experiment/layout.js'
import { dropModels, type Dropped } from '../train/ckpt-drop.js'
import { logCkpt } from '../train/checkpoint.js'

export type Cleaned = { readonly run: RunId } & Dropped

/** Checkpoints of every RUN that has a folder, by id. See dropModels. @throws HedError USAGE if it is read-only */
export async function* cleanCheckpoints(
  exp: string,
  keep: number,
  dryRun: boolean,
): AsyncGenerator<Cleaned, void> {
  for (const name of readdirSync(layout.runs(exp)).sort()) {
    const run = runId(name)
    if (run === undefined) continue
    const directory = layout.ckpts(exp, run)
    const found = await dropModels(directory, keep, dryRun).catch((error: unknown) => {
      throw isReadOnly(error) ? refused(exp, error) : error
    })
    if (found.models.length === 0) continue
    if (!dryRun && found.dropped.length > 0)
      await logCkpt(directory, `clean-ckpts: removed models of epochs: ${found.dropped.join(' ')}`)
    yield { run, ...found }
  }
}

function refused(exp: string, cause: unknown): HedError {
  return new HedError('USAGE', `${exp}: no model can be removed: the experiment is read-only`, {
    hint: 'See with --dry-run what would go, and ask its owner.',
    cause,
  })
}

/** `RUN000  5 models, 3 removed (195.00 MB): 016 017 018` */
export function cleanedLine({ run, models, dropped, bytes }: Cleaned, dryRun: boolean): string {
  const names = dropped.map(epoch => String(epoch).padStart(3, '0')).join(' ')
  const what = dryRun ? 'would go' : 'removed'
  const of = `${run}  ${plural(models.length, 'model')}`
  return dropped.length === 0
    ? `${of}, all needed`
    : `${of}, ${dropped.length} ${what} (${sizeText(bytes)}): ${names}`
}
