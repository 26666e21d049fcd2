import { existsSync, readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { crc32 } from '../base/digest.js'
import { HedError, messageOf } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import { BEST_FILE, INFO_FILE, MODEL_FILE, NO_CHECKSUM } from './ckpt-info.js'
import { readNetwork, type Network } from './h5.js'

export interface OpenedModel extends Network {
  /** The file it came from. */
  readonly path: string
  /** It is that of a RUN which has not finished. */
  readonly isEarly: boolean
}

/**
 * The model that a person names: a RUN or its ckpts/ (the weights of the best val_loss, which its scores
 * are of), a checkpoint, or a model.h5.
 *
 * @throws HedError USAGE if no model is there, DATA if it is damaged or not Uno
 */
export async function openModel(named: string): Promise<OpenedModel> {
  const path = modelFile(named)
  await verify(path)
  try {
    const network = await readNetwork(path)
    if (!network.weights.every(Number.isFinite)) throw new Error('has weights that are no numbers')
    const isRun = existsSync(join(named, 'ckpts'))
    return { path, isEarly: isRun && !existsSync(join(named, 'stop.marker')), ...network }
  } catch (error) {
    const text = messageOf(error)
    throw new HedError('DATA', text.startsWith(path) ? text : `${path}: ${text}`, {
      hint: 'Give a model.h5 that upf-heds wrote, or a whole copy of it.',
      cause: error,
    })
  }
}

function modelFile(named: string): string {
  const found = statSync(named, { throwIfNoEntry: false })
  if (found?.isFile()) return named
  if (!found)
    throw new HedError('USAGE', `${named}: no such RUN, checkpoint or model.h5`, {
      hint: 'Give the path of one, such as out/EXP001/run/RUN000.',
    })
  const ckpts = existsSync(join(named, 'ckpts')) ? join(named, 'ckpts') : named
  const path = [
    join(named, MODEL_FILE),
    // where `best` follows another metric, every checkpoint has the best val_loss beside
    join(ckpts, 'last', BEST_FILE),
    join(ckpts, 'best', MODEL_FILE),
  ].find(file => existsSync(file))
  if (path !== undefined) return path
  const [run] = readdirSync(named).includes('run') ? readdirSync(join(named, 'run')).sort() : []
  throw new HedError('USAGE', `${named}: holds no model, neither ${MODEL_FILE} nor ckpts/best`, {
    hint:
      run === undefined
        ? 'A RUN has one after its first epoch, unless "ckpt_save_interval" is 0.'
        : `Name one of its RUNs, such as ${join(named, 'run', run)}.`,
  })
}

/** Against the checkpoint's own record, where there is one. */
async function verify(path: string): Promise<void> {
  const name = basename(path)
  if (name !== MODEL_FILE && name !== BEST_FILE) return
  const text = readIfThere(join(dirname(path), INFO_FILE))
  if (text === undefined) return
  // any damage to the record shows as another checksum; earlier versions have none of the other file
  const pattern = name === MODEL_FILE ? /"checksum":\s*"(\w+)"/ : /"best-val-loss\.h5":\s*"(\w+)"/
  const checksum = pattern.exec(text)?.[1] ?? (name === MODEL_FILE ? undefined : NO_CHECKSUM)
  if (checksum === NO_CHECKSUM || String(crc32(await readFile(path))) === checksum) return
  throw new HedError('DATA', `${path}: is damaged: its checksum is not that of ${INFO_FILE}`, {
    hint: 'Take another checkpoint of the RUN.',
  })
}
