import { existsSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { awaitSource, fetchFrom, tellPresent, type SourcePlace } from '../engine/stage-source.js'
import type { Experiment, Settings } from '../experiment/exp.js'
import { holdImage } from '../runtime/holds.js'
import { RUNTIME_BIN, RUNTIME_NODE } from '../runtime/node-runtime.js'
import { fullReference, parseReference, unpackedPath } from '../runtime/reference.js'
import { imageFile, resolveImage, type Facts } from '../runtime/store.js'
import { unpackImage } from '../runtime/unpack.js'
import { ownMark } from '../base/mark.js'
import { makeTmpRoot, privateDirectory } from '../stage/node-local.js'
import { oneAtATime } from '../stage/one-at-a-time.js'
import { removeTree } from '../stage/remove-tree.js'
import { metered } from './meter.js'

export const BIN = fileURLToPath(new URL('./bin.js', import.meta.url))

/** The image of a sweep, in the folder of images. */
export interface Image {
  readonly facts: Facts
  readonly file: string
  /** Where each node has it. */
  readonly path: string
}

/** The image that ENV names; undefined for none. @throws HedError USAGE if there is none of this name */
export function imageOf({ ENV, ENV_DIR, TMP_ROOT }: Settings): Image | undefined {
  if (!ENV) return undefined // '' or, in an EXP of an earlier version, absent
  const facts = resolveImage(ENV_DIR, ENV)
  const file = imageFile(ENV_DIR, facts.digest)
  return { facts, file, path: unpackedPath(TMP_ROOT, facts.digest) }
}

/**
 * ENV with its digest, as an EXP keeps it: a restart takes that of the EXP it is restarted from, also after `latest`
 * has moved, but for another one that was named.
 * @param isGiven someone has set ENV
 */
export function pinned(settings: Settings, isGiven: boolean, old?: Settings): Settings {
  const before = old?.ENV
  const same = before && (!isGiven || parseReference(before).name === settings.ENV)
  const wanted = same ? { ...settings, ENV: before } : settings
  const image = imageOf(wanted)
  if (!image) return wanted
  return { ...wanted, ENV: fullReference(parseReference(wanted.ENV).name, image.facts.digest) }
}

/** Note in ENV_DIR that an EXP needs its image, so that nobody removes it. @returns what is to be told */
export function hold({ path, id, settings }: Experiment): string[] {
  const image = imageOf(settings)
  if (!image) return []
  const why = holdImage(settings.ENV_DIR, { exp: path, id, digest: image.facts.digest })
  imageOf(settings) // still there
  return why === undefined ? [] : [why]
}

/** What starts a rank: from the image if it has a runtime, else what runs now. */
export function programs(image: Image | undefined): {
  readonly node: string
  readonly script: string
} {
  return image?.facts.runtime
    ? { node: join(image.path, RUNTIME_NODE), script: join(image.path, RUNTIME_BIN) }
    : { node: process.execPath, script: BIN }
}

/**
 * Unpack the image of a sweep on this machine, and let this process and its children find what it has.
 * @param source who may send it: else it is read from ENV_DIR
 * @returns a line that tells it; none without an image
 */
export async function enterImage(settings: Settings, source?: SourcePlace): Promise<string[]> {
  const image = imageOf(settings)
  if (!image) return []
  await makeTmpRoot(settings.TMP_ROOT)
  let way = ''
  // all ranks of a node come at once
  const { how, path } = await oneAtATime(`${image.path}.turn`, async () => {
    const isThere = existsSync(image.path)
    if (source && isThere) void tellPresent(source)
    const sent = source && !isThere ? await bring(image, source) : undefined
    way = sent?.way ?? ''
    const copy = sent?.file === undefined ? {} : { copy: sent.file }
    return metered(onProgress =>
      unpackImage(image.file, settings.TMP_ROOT, { onProgress, ...copy }),
    ).finally(sent?.over)
  })
  const { bin, python } = image.facts
  if (bin) process.env['PATH'] = `${join(path, 'bin')}:${process.env['PATH'] ?? ''}`
  if (python) process.env['UPF_HEDS_PYTHON'] ||= join(path, python)
  return [`image ${settings.ENV}: ${how === 'found' ? 'is' : 'unpacked'} in ${path}${way}`]
}

/** The image's files from another node, in a folder beside its place that goes when nobody needs it any more. */
async function bring({ file, path, facts }: Image, source: SourcePlace) {
  const serving = await awaitSource(source)
  if (!serving) return undefined
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize < (await stat(file)).size + facts.unpacked)
    return { file: undefined, way: ', read from ENV_DIR: no room for a copy', over: undefined }
  const folder = `${path}.${ownMark()}-sent`
  await privateDirectory(folder)
  const fetched = await fetchFrom(serving, folder)
  const remove = () => removeTree(folder)
  if ('from' in fetched)
    return {
      file: join(folder, basename(file)),
      way: `, from ${fetched.from}`,
      over: () => void fetched.over.then(remove),
    }
  return { file: undefined, way: `, ${fetched.why}`, over: remove }
}

/** Root of this package, where package.json lies. */
export const ROOT = dirname(dirname(dirname(dirname(BIN))))
