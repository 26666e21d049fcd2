import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { HedError } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { collect, type GcOptions } from '../runtime/gc.js'
import { holdsOf } from '../runtime/holds.js'
import { createImage, megabytes, type PackOptions } from '../runtime/pack.js'
import { NONE } from '../runtime/reference.js'
import { allImages, allNames, imageFile, resolveImage, type Facts } from '../runtime/store.js'
import { unpackImage } from '../runtime/unpack.js'
import { faultOf } from '../runtime/verify.js'
import { mergeSettings } from '../sites/settings.js'
import { ROOT } from './image.js'
import { metered } from './meter.js'
import { print, printJson, table } from './print.js'

/** What the commands of `env` share. */
export interface Common {
  readonly 'env-dir': string | undefined
  readonly site: string | undefined
  readonly json: boolean | undefined
}

export async function createEnv(
  { folder, ...rest }: Pick<PackOptions, 'folder' | 'runtime' | 'name' | 'latest'>,
  common: Common,
): Promise<void> {
  const dir = dirOf(common)
  const { version } = createRequire(import.meta.url)('../../../package.json') as {
    readonly version: string
  }
  if (folder === '')
    throw new HedError('USAGE', 'FOLDER is "", want a folder to pack', {
      hint: 'Leave it away for the runtime alone.',
    })
  const full = folder === undefined ? undefined : resolve(folder)
  const { facts, again } = await metered(onProgress =>
    createImage({ ...rest, dir, folder: full, root: ROOT, version, onProgress }),
  )
  const image = imageFile(dir, facts.digest)
  if (common.json) {
    printJson({ ...facts, image, again })
    return
  }
  const what = `${plural(facts.files, 'file')}, ${megabytes(facts.bytes)}`
  print([`${image}: ${what}${again ? '; the same image is there already' : ''}`])
}

export function listEnvs(common: Common): void {
  const dir = dirOf(common)
  const [names, holds] = [[...allNames(dir)], holdsOf(dir)]
  const namesOf = (digest: string) => names.flatMap(([name, of]) => (of === digest ? [name] : []))
  const usersOf = (digest: string) => holds.filter(h => h.digest === digest).map(({ exp }) => exp)
  const images = allImages(dir).map(facts => ({
    names: namesOf(facts.digest),
    ...facts,
    image: imageFile(dir, facts.digest),
    usedBy: usersOf(facts.digest),
    damaged: false,
  }))
  const isThere = (digest: string) => images.some(facts => facts.digest === digest)
  const wanted = [...names.map(([, digest]) => digest), ...holds.map(({ digest }) => digest)]
  const gone = [...new Set(wanted.filter(digest => !isThere(digest)))].map(digest => ({
    ...{ names: namesOf(digest), digest, image: imageFile(dir, digest) },
    ...{ usedBy: usersOf(digest), damaged: true },
  }))
  if (common.json) {
    printJson([...images, ...gone])
    return
  }
  if (images.length + gone.length === 0) {
    print([`${dir}: no images; upf-heds env create makes one`])
    return
  }
  print(
    table([
      ['names', 'digest', 'size', 'files', 'made', 'runtime', 'packed from', 'used by'],
      ...images.map(i => [
        i.names.join(',') || '-',
        i.digest.slice(0, 12),
        megabytes(i.bytes),
        String(i.files),
        i.created.slice(0, 10),
        i.runtime ? i.version : '-',
        i.source || '-',
        i.usedBy.join(' ') || '-',
      ]),
      ...gone.map(i => [
        ...[i.names.join(',') || '-', i.digest.slice(0, 12), 'damaged: its file is gone'],
        ...['-', '-', '-', '-', i.usedBy.join(' ') || '-'],
      ]),
    ]),
  )
}

export function useEnv(name: string, common: Common): void {
  const dir = dirOf(common)
  const facts = name === NONE ? undefined : resolveImage(dir, name)
  if (common.json) {
    printJson({ name, dir, digest: facts?.digest ?? null })
    return
  }
  print([
    ...(facts ? [`export UPF_HEDS_ENV_DIR=${quoted(dir)}`] : []),
    `export UPF_HEDS_ENV=${quoted(name)}`,
  ])
}

/** @returns the exit status */
export async function verifyEnv(name: string, common: Common): Promise<number> {
  const dir = dirOf(common)
  const facts = resolveImage(dir, name)
  const image = imageFile(dir, facts.digest)
  const fault = await faultOf(dir, facts)
  if (common.json) printJson({ name, image, digest: facts.digest, ok: fault === undefined, fault })
  else if (fault === undefined) print([`${image}: as packed, ${plural(facts.files, 'file')}`])
  if (fault === undefined) return 0
  if (common.json) return 3
  throw new HedError('DATA', `${image}: ${fault}`, {
    hint: 'Pack its folder again: equal contents make the same image.',
  })
}

export function collectEnvs(options: GcOptions, common: Common): void {
  const { keepDays, dryRun } = options
  if (!(keepDays >= 0)) throw new HedError('USAGE', `--keep-days is ${keepDays}, want days ≥ 0`)
  const verdicts = collect(dirOf(common), options)
  if (common.json) {
    printJson(verdicts.map(({ facts, ...rest }) => ({ digest: facts.digest, ...rest })))
    return
  }
  const gone = verdicts.filter(({ removed }) => removed)
  const line = ({ digest }: Facts, text: string) => `${digest.slice(0, 12)} ${text}`
  const size = gone.reduce((sum, { facts }) => sum + facts.bytes, 0)
  print([
    ...verdicts.map(({ facts, removed, why }) =>
      line(facts, removed ? (dryRun ? 'would be removed' : 'removed') : `stays: ${why}`),
    ),
    `${plural(gone.length, 'image')}, ${megabytes(size)}, ${dryRun ? 'would be removed' : 'removed'}`,
  ])
}

export async function unpackEnv(
  image: string,
  tmp: string,
  copy: string | undefined,
  json: boolean,
): Promise<void> {
  const begun = performance.now()
  const from = copy === undefined ? {} : { copy: resolve(copy) }
  const { path, how } = await metered(onProgress =>
    unpackImage(resolve(image), resolve(tmp), { ...from, onProgress }),
  )
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1))
  if (json) {
    printJson({ host: hostname(), path, how, seconds })
    return
  }
  print([`${hostname()}: ${path} ${how === 'found' ? 'is there' : 'unpacked'}, ${seconds} s`])
}

function dirOf(common: Common): string {
  const dir = common['env-dir']
  const flags = dir === undefined ? {} : { ENV_DIR: dir }
  return resolve(mergeSettings(common.site ?? 'local', process.env, flags).values.ENV_DIR)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
