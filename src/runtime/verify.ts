import * as fs from 'node:fs'
import { sha256File } from '../base/digest.js'
import { imageFile, listFile, type Facts } from './store.js'

/**
 * Read an image again: does it have the bytes that its name says, is all that goes with it there?
 * @returns what is wrong; undefined if nothing is
 */
export async function faultOf(dir: string, facts: Facts): Promise<string | undefined> {
  const image = imageFile(dir, facts.digest)
  const size = fs.statSync(image).size
  if (size !== facts.bytes) return `has ${size} bytes, want ${facts.bytes}`
  const digest = await sha256File(image)
  if (digest !== facts.digest) return `its bytes have the digest ${digest}`
  const list = fs.statSync(listFile(image), { throwIfNoEntry: false })
  if (!list?.isFile()) return `${listFile(image)} is not there`
  const head = `sha256:${facts.digest}\n`
  const text = fs.readFileSync(listFile(image), 'latin1')
  const entries = text.slice(head.length).split('\0').length - 1
  const want = facts.files + facts.folders + facts.links
  if (!text.startsWith(head) || entries !== want)
    return `${listFile(image)} has ${entries} entries, want ${want}`
  return undefined
}
