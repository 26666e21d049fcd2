import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf, messageOf } from '../base/errors.js'
import { readIfThere, writeAtomicSync } from '../base/files.js'
import { isText, shape } from '../base/shape.js'
import { expFile } from '../experiment/layout.js'

/** An EXP that needs an image, for as long as it is there: its jobs, its resume, its restarts. */
export interface Hold {
  /** Path and id of the EXP. */
  readonly exp: string
  readonly id: string
  readonly digest: string
}

const isHold = shape({ exp: isText, id: isText, digest: isText })
const folderOf = (dir: string) => join(dir, 'holds')

/** @returns undefined, or why it could not be noted: a folder of others' */
export function holdImage(dir: string, hold: Hold): string | undefined {
  try {
    fs.mkdirSync(folderOf(dir), { recursive: true })
    writeAtomicSync(join(folderOf(dir), `${hold.id}.json`), `${JSON.stringify(hold)}\n`)
    return undefined
  } catch (error) {
    return `${folderOf(dir)}: cannot note that ${hold.exp} needs its image: ${codeOf(error) ?? messageOf(error)}`
  }
}

/**
 * EXPs that need an image. One that is gone needs none: then its hold goes too, if `clean`. Where that cannot be told,
 * because the disk with it is not mounted perhaps, it counts.
 */
export function holdsOf(dir: string, clean = false): Hold[] {
  return namesIn(folderOf(dir)).flatMap(name => {
    const file = join(folderOf(dir), name)
    const hold = parse(readIfThere(file))
    if (!hold) return []
    if (isThere(hold)) return [hold]
    if (clean) fs.rmSync(file, { force: true })
    return []
  })
}

function isThere({ exp, id }: Hold): boolean {
  try {
    const { id: found } = JSON.parse(fs.readFileSync(expFile(exp), 'utf8')) as { id?: unknown }
    return found === id // another EXP has its place by now
  } catch (error) {
    // with its folder gone too it may have been there that nothing is mounted
    return codeOf(error) !== 'ENOENT' || fs.existsSync(exp) || !fs.existsSync(dirname(exp))
  }
}

function parse(text: string | undefined): Hold | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return isHold(value) ? (value as Hold) : undefined
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter(name => name.endsWith('.json') && !name.startsWith('.'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
