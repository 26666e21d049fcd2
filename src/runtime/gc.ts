import * as fs from 'node:fs'
import { join } from 'node:path'
import { HedError } from '../base/errors.js'
import { holdsOf } from './holds.js'
import { LATEST } from './reference.js'
import {
  allImages,
  allNames,
  factsFile,
  imageFile,
  imagesFolder,
  listFile,
  namesFolder,
  type Facts,
} from './store.js'

export interface GcOptions {
  /** Images made less than so many days ago stay. */
  readonly keepDays: number
  /** Names given up: their images may go. */
  readonly release: readonly string[]
  /** Tell, remove nothing. */
  readonly dryRun: boolean
}

/** What became of an image; `why` for one that stays. */
export interface Verdict {
  readonly facts: Facts
  readonly removed: boolean
  readonly why: string
}

const DAY_MS = 24 * 60 * 60 * 1000
/** Longer than anybody packs: what has lain so long was left by one who was killed. */
const LEFT_MS = 2 * DAY_MS

/**
 * Remove old images that nobody needs: no EXP, no name.
 * @throws HedError USAGE if a name that is given up is not there
 */
export function collect(dir: string, options: GcOptions): Verdict[] {
  for (const name of options.release)
    if (name === LATEST)
      throw new HedError('USAGE', '--release is "latest", which is no name for good', {
        hint: 'Give latest to another image: upf-heds env create --latest.',
      })
    else if (!allNames(dir).has(name))
      throw new HedError('USAGE', `${dir}: no image is called ${name}: it cannot be given up`, {
        hint: 'upf-heds env list shows the names.',
      })
  const verdicts = allImages(dir).map(facts => {
    const why = neededBy(dir, facts, options)
    if (why !== undefined) return { facts, removed: false, why }
    if (options.dryRun) return { facts, removed: true, why: '' }
    return remove(dir, facts, options)
  })
  if (!options.dryRun) {
    const images = new Set(allImages(dir).map(({ digest }) => digest))
    for (const [name, digest] of allNames(dir))
      if (options.release.includes(name) && !images.has(digest))
        fs.rmSync(join(namesFolder(dir), name)) // its image is gone
    holdsOf(dir, true)
    removeLeft(dir)
  }
  return verdicts
}

/** Why an image stays, undefined for none. */
function neededBy(
  dir: string,
  { digest, created }: Facts,
  { keepDays, release }: GcOptions,
): string | undefined {
  const exps = holdsOf(dir).filter(hold => hold.digest === digest)
  if (exps.length > 0) return `needed by ${exps.map(({ exp }) => exp).join(', ')}`
  const names = [...allNames(dir)].flatMap(([name, of]) => (of === digest ? [name] : []))
  const kept = names.filter(name => !release.includes(name))
  if (kept.length > 0) return `has the name ${kept.join(', ')}`
  const days = (Date.now() - Date.parse(created)) / DAY_MS
  if (names.length === 0 && days < keepDays) return `was made ${Math.floor(days)} days ago`
  return undefined
}

/** Put aside first: an EXP that has taken it in this moment gets it back. */
function remove(dir: string, facts: Facts, options: GcOptions): Verdict {
  const image = imageFile(dir, facts.digest)
  const aside = join(imagesFolder(dir), `.gone-${facts.digest}`)
  fs.renameSync(image, aside)
  const why = neededBy(dir, facts, options)
  if (why !== undefined) {
    fs.renameSync(aside, image)
    return { facts, removed: false, why }
  }
  for (const [name, digest] of allNames(dir))
    if (digest === facts.digest) fs.rmSync(join(namesFolder(dir), name))
  for (const file of [aside, listFile(image), factsFile(image)]) fs.rmSync(file, { force: true })
  return { facts, removed: true, why: '' }
}

/** What a command that was killed has begun. */
function removeLeft(dir: string): void {
  for (const name of fs.existsSync(imagesFolder(dir)) ? fs.readdirSync(imagesFolder(dir)) : []) {
    const path = join(imagesFolder(dir), name)
    const found = fs.statSync(path, { throwIfNoEntry: false })
    if (!/^\.(new|gone)-/.test(name) || !found || Date.now() - found.mtimeMs < LEFT_MS) continue
    const digest = /^\.gone-(.*)$/.exec(name)?.[1]
    // killed between two steps: it is an image as before
    if (digest !== undefined) fs.renameSync(path, imageFile(dir, digest))
    else fs.rmSync(path, { force: true })
  }
}
