import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { sha256 } from '../../src/base/digest.js'
import { HedError, codeOf } from '../../src/base/errors.js'
import type { Params } from '../../src/experiment/workflow.js'
import { importLoss, rowLoss } from '../../src/train/custom-loss.js'
import type { Loss } from '../../src/train/spec.js'

/**
 * `custom_loss_module` as a path, as a workflow's: from where the command, or the rank, is called.
 * @returns undefined for any other word
 */
export function lossFile(name: unknown): string | undefined {
  return typeof name === 'string' && /^[./]/.test(name) ? resolve(name) : undefined
}

/** Load the modules that DFLTS and lines name. */
export async function importLosses(values: readonly Params[]): Promise<void> {
  const files = values.map(v => lossFile(v['custom_loss_module']))
  for (const file of new Set(files)) if (file !== undefined) await importLoss(file)
}

/**
 * The digest of the module becomes part of the RUN's: a changed one is another RUN.
 * @returns nothing for a loss that is ours; a text if the module is not there or wrong, or the backend takes none
 */
export function resolveLoss(loss: Loss, backend: string): Params | string {
  if (loss.type !== 'custom') return {}
  const where = `"custom_loss_module" ${loss.file}`
  if (!/^(ort|blas)\b/.test(backend))
    return `${where}: the backend ${backend} takes none, want ort or blas`
  try {
    const digest = sha256(readFileSync(loss.file))
    rowLoss(loss)
    return { loss_module: digest }
  } catch (error) {
    if (error instanceof HedError) return error.message
    const why = codeOf(error) ?? String(error)
    return `${where}: cannot be read: ${why} (a relative path is told from where the command is called)`
  }
}

/** In an executor: the module must be the one that the plan was made with. @throws HedError USAGE */
export async function loadPlannedLoss(
  loss: Loss,
  resolved: Params,
  backend: string,
): Promise<void> {
  if (loss.type !== 'custom') return
  await importLoss(loss.file)
  const found = resolveLoss(loss, backend)
  if (typeof found === 'string') throw new HedError('USAGE', found)
  if (found['loss_module'] !== resolved['loss_module'])
    throw new HedError(
      'USAGE',
      `"custom_loss_module" ${loss.file}: is not what the sweep began with`,
      { hint: 'Put it back, or start a new EXP.' },
    )
}
