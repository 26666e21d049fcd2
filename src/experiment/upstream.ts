import * as fs from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../base/files.js'
import { isObject } from '../base/shape.js'
import { expFile, runs } from './layout.js'
import { parseUpf, type UpfLine } from './upf.js'
import type { Params } from './workflow.js'

/** An EXP that the original workflow left. It can be read, not resumed. */
export interface UpstreamExp {
  readonly type: 'upstream'
  readonly path: string
}

/** It has RUNs, and no exp.json of ours. */
export function isUpstream(path: string): boolean {
  return !fs.existsSync(expFile(path)) && fs.existsSync(runs(path))
}

/** Lines of its UPF, in order; none where no file of it looks like one. */
export function upstreamLines(exp: string): readonly UpfLine[] {
  for (const { name, text } of topFiles(exp)) {
    if (!/^\s*\{.*"id"\s*:/m.test(text)) continue
    const { lines, problems } = parseUpf(text, name)
    if (lines.length > 0 && problems.length === 0) return lines
  }
  return []
}

/** What all its RUNs shared; nothing where its DFLTS is not there. */
export function upstreamDflts(exp: string): { readonly name: string; readonly values: Params } {
  for (const { name, text } of topFiles(exp)) {
    if (!name.endsWith('.json')) continue
    try {
      const values: unknown = JSON.parse(text)
      if (isObject(values) && !('id' in values)) return { name, values: values as Params }
    } catch {
      // another file
    }
  }
  return { name: '-', values: {} }
}

/** A UPF of a million lines has less. */
const MOST_BYTES = 1e8

function* topFiles(exp: string): Generator<{ readonly name: string; readonly text: string }, void> {
  for (const name of fs.readdirSync(exp).sort()) {
    const path = join(exp, name)
    const found = fs.statSync(path, { throwIfNoEntry: false })
    if (/\.(json|txt)$/.test(name) && found?.isFile() && found.size < MOST_BYTES)
      yield { name, text: readIfThere(path) ?? '' }
  }
}
