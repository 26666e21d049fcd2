import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson, sha256, sha256File } from '../base/digest.js'
import { codeOf, HedError } from '../base/errors.js'
import type { Params } from './workflow.js'

export interface DataFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface DataDigest {
  /** sha256 over name, size and sha256 of every file. */
  readonly digest: string
  readonly files: readonly DataFile[]
}

/** @throws HedError DATA if the folder or a file is not there */
export async function dataDigest(folder: string, names: readonly string[]): Promise<DataDigest> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new HedError('DATA', `${folder}: DATA_SOURCE is no folder`, {
      hint: `It must hold ${names.join(', ')}.`,
    })
  const files: DataFile[] = []
  for (const name of names) {
    const path = join(folder, name)
    try {
      const { size } = await stat(path)
      files.push({ name, bytes: size, sha256: await sha256File(path) })
    } catch (error) {
      throw new HedError('DATA', `${path}: cannot be read: ${codeOf(error) ?? String(error)}`, {
        hint: `DATA_SOURCE must be a folder with ${names.join(', ')}.`,
        cause: error,
      })
    }
  }
  return { digest: sha256(canonicalJson(files.map(f => ({ ...f })))), files }
}

/**
 * What a RUN's result is a function of, beside the data: merged hyperparameters, what the workflow made
 * of the line, the workflow itself, THREADS and the backend.
 */
export function paramsDigest(input: {
  readonly params: Params
  readonly resolved: Params
  readonly workflow: string
  readonly threads: number
  readonly backend: string
}): string {
  const { params, resolved, workflow, threads, backend } = input
  const text = JSON.stringify(params)
  if (text !== last.text) last = { text, canonical: canonicalJson(params) }
  // canonicalJson of the input
  return sha256(
    `{"backend":${JSON.stringify(backend)},"params":${last.canonical},"resolved":${canonicalJson(resolved)},` +
      `"threads":${threads},"workflow":${JSON.stringify(workflow)}}`,
  )
}

/** RUNs of a sweep often differ in what their line resolves to alone. */
let last = { text: '', canonical: '' }
