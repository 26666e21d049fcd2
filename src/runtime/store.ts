import * as fs from 'node:fs'
import { join } from 'node:path'
import { codeOf, HedError } from '../base/errors.js'
import { readIfThere } from '../base/files.js'
import { nearest } from '../base/nearest.js'
import { among, isCount, isFlag, isText, shape } from '../base/shape.js'
import { parseReference } from './reference.js'

/**
 * The folder of images, ENV_DIR:
 *
 *     images/DIGEST.tar     the image, never changed      images/DIGEST.json   facts about it
 *     images/DIGEST.files   every file of it              names/NAME           link to an image
 *     holds/EXP-ID.json     an EXP that needs one
 */
export interface Facts {
  /** SHA-256 of the image, hex. */
  readonly digest: string
  /** Of the image. */
  readonly bytes: number
  /** What it takes on a disk with blocks of 4 KiB, in bytes. */
  readonly unpacked: number
  readonly files: number
  readonly folders: number
  readonly links: number
  /** Folder that was packed; '' for a runtime alone. */
  readonly source: string
  /** Of this package. */
  readonly version: string
  /** Does it have node and this package, so that ranks start from it? */
  readonly runtime: boolean
  /** Has it a folder `bin`? */
  readonly bin: boolean
  /** `bin/python3`, `bin/python` or ''. */
  readonly python: string
  /** ISO 8601. */
  readonly created: string
}

const isFacts = shape({
  ...{ digest: isText, bytes: isCount, unpacked: isCount, files: isCount, folders: isCount },
  ...{ links: isCount, source: isText, version: isText, runtime: isFlag, bin: isFlag },
  ...{ python: among(['', 'bin/python3', 'bin/python']), created: isText },
})

export const imagesFolder = (dir: string) => join(dir, 'images')
export const namesFolder = (dir: string) => join(dir, 'names')
export const imageFile = (dir: string, digest: string) => join(dir, 'images', `${digest}.tar`)
export const factsFile = (image: string) => image.replace(/\.tar$/, '.json')
export const listFile = (image: string) => image.replace(/\.tar$/, '.files')

/** Digest that an image's own file name says; undefined for other files. */
export function digestOf(file: string): string | undefined {
  return /(?:^|\/)([0-9a-f]{64})\.tar$/.exec(file)?.[1]
}

/** Facts of an image, undefined where there is none. @throws HedError DATA if they are damaged */
export function readFacts(image: string): Facts | undefined {
  const file = factsFile(image)
  const text = readIfThere(file)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (isFacts(value)) return value as Facts
  throw new HedError('DATA', `${file}: is damaged, want the facts of an image`, {
    hint: 'Pack the folder again: equal contents make the same image.',
  })
}

/** Every image, oldest first. */
export function allImages(dir: string): Facts[] {
  return namesIn(imagesFolder(dir))
    .flatMap(name => (digestOf(name) === undefined ? [] : [join(imagesFolder(dir), name)]))
    .flatMap(file => readFacts(file) ?? [])
    .sort((a, b) => (a.created < b.created ? -1 : 1))
}

/** Names and the digests they stand for, in order. */
export function allNames(dir: string): Map<string, string> {
  const folder = namesFolder(dir)
  return new Map(
    namesIn(folder)
      .sort()
      .flatMap(name => {
        const digest = targetOf(join(folder, name))
        return digest === undefined ? [] : [[name, digest] as const]
      }),
  )
}

/**
 * The image that a reference stands for, by its digest where it has one.
 * @throws HedError USAGE if there is none, or more than one
 */
export function resolveImage(dir: string, reference: string): Facts {
  const { name, digest } = parseReference(reference)
  const names = allNames(dir)
  if (digest === undefined && !names.has(name!)) throw noSuchName(dir, name!, names)
  const prefix = digest ?? names.get(name!)!
  const found = allImages(dir).filter(facts => facts.digest.startsWith(prefix))
  if (found.length === 1) return found[0]!
  throw new HedError(
    'USAGE',
    `${dir}: ${found.length === 0 ? 'no image' : `${found.length} images`} ${prefix.length === 64 ? 'with' : 'beginning with'} digest ${prefix}${name === undefined ? '' : ` (${name})`}`,
    {
      hint:
        found.length === 0
          ? 'Set ENV_DIR to the folder that has it; upf-heds env list shows what there is.'
          : 'Give more digits.',
    },
  )
}

function noSuchName(dir: string, name: string, names: ReadonlyMap<string, string>): HedError {
  const near = nearest(name, [...names.keys()])
  const few = [...names.keys()].slice(-8).join(', ')
  return new HedError('USAGE', `${dir}: no image is called ${name}${few && `, there are ${few}`}`, {
    hint: near === undefined ? 'upf-heds env create makes one.' : `Is ${near} meant?`,
  })
}

/**
 * Give an image a name for good: it is never moved.
 * @throws HedError USAGE if another image has it
 */
export function addName(dir: string, name: string, digest: string): void {
  fs.mkdirSync(namesFolder(dir), { recursive: true })
  try {
    fs.symlinkSync(`../images/${digest}.tar`, join(namesFolder(dir), name))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    if (targetOf(join(namesFolder(dir), name)) !== digest) throw nameTaken(dir, name)
  }
}

/** @throws HedError USAGE if an image has this name */
export function requireFreeName(dir: string, name: string): void {
  if (allNames(dir).has(name)) throw nameTaken(dir, name)
}

function nameTaken(dir: string, name: string): HedError {
  return new HedError('USAGE', `${dir}: ${name} is the name of another image and never moved`, {
    hint: 'Give another --name; --latest moves the name latest.',
  })
}

/** Give an image a name that moves: whoever looks sees the old image or the new one. */
export function moveName(dir: string, name: string, digest: string): void {
  fs.mkdirSync(namesFolder(dir), { recursive: true })
  const beside = join(namesFolder(dir), `.${name}-${process.pid}-${Date.now()}`)
  fs.symlinkSync(`../images/${digest}.tar`, beside)
  fs.renameSync(beside, join(namesFolder(dir), name))
}

function targetOf(link: string): string | undefined {
  try {
    return digestOf(fs.readlinkSync(link))
  } catch {
    return undefined // no link: nothing of ours
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter(name => !name.startsWith('.'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
