import { appendFile, mkdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, messageOf } from '../base/errors.js'
import { canonicalJson, sha256, type Json } from '../base/digest.js'
import { syncDirectory, writeAtomic } from '../base/files.js'
import { stamp } from '../base/log.js'
import {
  BEST_FILE,
  INFO_FILE,
  MODEL_FILE,
  NO_CHECKSUM,
  parseCkptInfo,
  STATE_FILE,
  type CkptDigests,
  type CkptInfo,
  type LoopState,
  type RunDigests,
} from './ckpt-info.js'
import { cleanEpochs, cleanWork, epochNumbers } from './ckpt-keep.js'
import type { FeatureNames, Model } from './h5.js'
import type { ModelStore } from './model-store.js'
import type { CkptOptions } from './options.js'
import type { ModelSpec, OptimiserName } from './spec.js'
import type { State } from './trainer.js'

/**
 * Checkpoints of one RUN:
 *
 *     ckpts/epochs/020/model.h5, ckpt-info.json
 *     ckpts/best -> epochs/018     ckpts/last -> epochs/020     ckpts/ckpt.log
 */
export interface CkptPlace {
  readonly directory: string
  readonly options: CkptOptions
  readonly store: ModelStore
  /** Work directory of this attempt, below `directory`. */
  readonly workName: string
  /** Throws if another attempt or leader has taken over. */
  readonly fence: () => Promise<void>
  readonly spec: ModelSpec
  readonly optimiser: OptimiserName
  /** Written into model.h5, so that `predict` finds the columns of other data by name. */
  readonly features?: FeatureNames
  readonly digests?: RunDigests
  readonly log: (text: string) => void
}

export interface Checkpoint {
  readonly epoch: number
  readonly model: Model
  readonly loop: LoopState
  readonly metric: number
  readonly isBest: boolean
  readonly bestMetric: number
  /** Weights of the best val_loss, where `ckpts/best` does not hold them: then part of the state. */
  readonly bestState: State | undefined
}

/** Write a checkpoint: beside, synced, fenced, renamed, linked; then old ones go. */
export async function saveCheckpoint(
  place: CkptPlace,
  { epoch, model, loop, metric, isBest, bestMetric, bestState }: Checkpoint,
): Promise<void> {
  const { directory, options, store } = place
  const work = join(directory, place.workName)
  await rm(work, { recursive: true, force: true })
  await mkdir(work) // not what is above it: an EXP that was moved away must not come back
  await cleanWork(directory, place.workName)
  await mkdir(join(directory, 'epochs'), { recursive: true })
  const begun = performance.now()
  const sums: Record<string, string> = {}
  const writeWeights = async (name: string, weights: Float32Array) => {
    const state = { ...model.state, weights, moments: [] }
    return store.write(join(work, name), { ...model, state }, false)
  }
  if (bestState) sums[BEST_FILE] = String(await writeWeights(BEST_FILE, bestState.weights.slice()))
  const weights = options.dropOptimizer ? model.state.weights.slice() : undefined
  const whole = await store.write(join(work, weights ? STATE_FILE : MODEL_FILE), model, true)
  if (weights) sums[STATE_FILE] = String(whole)
  const sum = weights ? await writeWeights(MODEL_FILE, weights) : whole
  await logCkpt(directory, `model wrote: ${MODEL_FILE} in ${seconds(begun)} seconds.`)
  const info: CkptInfo = {
    epoch,
    save_best_metric: options.saveBestMetric,
    best_metric_last: bestMetric,
    model_file: MODEL_FILE,
    checksum: options.checksum ? String(sum) : NO_CHECKSUM,
    timestamp: stamp().slice(0, 19),
    time_elapsed: await sinceLast(directory),
    metadata: options.metadata,
    metric,
    state: loop,
    ...(options.checksum && Object.keys(sums).length > 0 && { checksums: sums }),
    ...(place.digests && { digests: digestsOf(place, place.digests) }),
  }
  await writeAtomic(join(work, INFO_FILE), `${JSON.stringify(info)}\n`)

  const name = String(epoch).padStart(3, '0')
  const target = join(directory, 'epochs', name)
  const aside = join(directory, `${place.workName}-replaced`)
  await place.fence()
  await rename(target, aside).catch(ignoreMissing)
  await rename(work, target)
  await syncDirectory(join(directory, 'epochs'))
  if (isBest) await link(place, 'best', name)
  await link(place, 'last', name)
  await syncDirectory(directory)
  await rm(aside, { recursive: true, force: true })
  await cleanEpochs(directory, options, text => logCkpt(directory, text))
}

export interface Loaded {
  readonly info: CkptInfo
  readonly state: State
  /** See Checkpoint.bestState. */
  readonly bestState: State | undefined
}

/** The newest checkpoint that is whole: `last`, else the next older one, saying so. */
export async function loadLast(place: CkptPlace): Promise<Loaded | undefined> {
  const { directory } = place
  await cleanWork(directory, place.workName)
  const last = await linked(directory, 'last')
  const others = (await epochNumbers(directory)).reverse()
  const order = last === undefined ? others : [last, ...others.filter(n => n < last)]
  for (const epoch of order)
    try {
      const loaded = await loadEpoch(place, epoch)
      await logCkpt(directory, `restarting from epoch: ${epoch}`)
      return loaded
    } catch (error) {
      const text = `epoch ${epoch} is damaged: ${messageOf(error)}; trying an older one`
      place.log(`checkpoint of ${text}`)
      await logCkpt(directory, text)
    }
  return undefined
}

/** Weights of `best`, or undefined if there is no whole one. */
export async function loadBest(place: CkptPlace): Promise<Loaded | undefined> {
  const best = await linked(place.directory, 'best')
  if (best === undefined) return undefined
  try {
    return await loadEpoch(place, best)
  } catch (error) {
    place.log(`checkpoint of epoch ${best}, the best, is damaged: ${messageOf(error)}`)
    return undefined
  }
}

async function loadEpoch(place: CkptPlace, epoch: number): Promise<Loaded> {
  const directory = epochDirectory(place.directory, epoch)
  const info = parseCkptInfo(await readFile(join(directory, INFO_FILE), 'utf8'))
  if (info.epoch !== epoch) throw new Error(`${INFO_FILE} is that of epoch ${info.epoch}`)
  requireOwn(place, info.digests)
  const sums: Record<string, string | undefined> = { ...info.checksums }
  if (info.checksum !== NO_CHECKSUM) sums[MODEL_FILE] = info.checksum
  const read = (name: string) => {
    const sum = sums[name]
    const crc32 = sum === undefined ? undefined : Number(sum)
    return place.store.read(join(directory, name), place.spec, place.optimiser, crc32)
  }
  const isThere = (name: string) => existsSync(join(directory, name))
  const bestState = isThere(BEST_FILE) ? await read(BEST_FILE) : undefined
  return { info, state: await read(isThere(STATE_FILE) ? STATE_FILE : MODEL_FILE), bestState }
}

function digestsOf({ spec }: CkptPlace, { params, data }: RunDigests): CkptDigests {
  return { params, data, model: sha256(canonicalJson(spec as unknown as Json)) }
}

/** Parameters may differ: with more epochs a RUN goes on. @throws Error if it is another RUN's */
function requireOwn(place: CkptPlace, found: CkptDigests | undefined): void {
  if (!found || !place.digests) return
  const own = digestsOf(place, place.digests)
  if (found.model !== own.model) throw new Error('it is of another model')
  if (found.data !== own.data) throw new Error('it is of other data')
}

/** Training is over: what only going on needs goes, if the options want so. model.h5 was written without. */
export async function dropOptimiser({ directory, options, fence }: CkptPlace): Promise<void> {
  if (!options.dropOptimizer) return
  await fence()
  for (const epoch of await epochNumbers(directory))
    await rm(join(epochDirectory(directory, epoch), STATE_FILE), { force: true })
}

function epochDirectory(directory: string, epoch: number): string {
  return join(directory, 'epochs', String(epoch).padStart(3, '0'))
}

/** No checkpoint is to be used: those of earlier attempts go, so that none is taken for one of this training. */
export async function discardCheckpoints(place: CkptPlace): Promise<void> {
  const { directory } = place
  await place.fence()
  for (const name of ['last', 'best', 'epochs'])
    await rm(join(directory, name), { recursive: true, force: true })
  await cleanWork(directory, place.workName)
}

/** Where the options want no checkpoint at the end, that of an earlier stop goes. */
export async function dropLast(place: CkptPlace): Promise<void> {
  const { directory, options } = place
  await place.fence()
  await rm(join(directory, 'last'), { force: true })
  const kept = { ...options, keepLimit: 0 }
  await cleanEpochs(directory, kept, text => logCkpt(directory, text))
}

/** A line in ckpt.log, in upstream's form. */
export async function logCkpt(directory: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await appendFile(join(directory, 'ckpt.log'), `${stamp().slice(0, 19)} CandleCkpt: ${text}\n`)
}

/** Replace a relative link by rename: there is no moment without one. */
async function link(
  { directory, fence, workName }: CkptPlace,
  name: 'best' | 'last',
  epoch: string,
) {
  const path = join(directory, name)
  const temporary = join(directory, `${workName}-${name}`)
  await rm(temporary, { force: true })
  await symlink(join('epochs', epoch), temporary)
  await fence()
  await rename(temporary, path)
  await logCkpt(directory, `linking: 'epochs/${epoch}' -> '${name}'`)
}

async function linked(directory: string, name: string): Promise<number | undefined> {
  try {
    const epoch = Number(/(\d+)\/?$/.exec(await readlink(join(directory, name)))?.[1])
    return Number.isInteger(epoch) ? epoch : undefined
  } catch {
    return undefined
  }
}

async function sinceLast(directory: string): Promise<number | string> {
  try {
    const info = parseCkptInfo(await readFile(join(directory, 'last', INFO_FILE), 'utf8'))
    return (Date.now() - new Date(info.timestamp.replace(' ', 'T')).getTime()) / 1000
  } catch {
    return '__FIRST__'
  }
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(3)
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}
