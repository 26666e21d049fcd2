import * as fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, type Json } from '../base/digest.js'
import { codeOf } from '../base/errors.js'
import { readIfThere, replaceSync, writeAtomic } from '../base/files.js'
import type { RunId } from '../base/ids.js'
import * as layout from './layout.js'

/** `stop.marker`: a RUN is finished if and only if this is there and valid. One JSON line, written last. */
export interface Marker {
  readonly run: RunId
  readonly attempt: number
  readonly epochs: number
  readonly reason: 'completed' | 'early stopping'
  /** Digest of the hyperparameters (digest.ts). */
  readonly params: string
  /** Digest of the data. */
  readonly data: string
  readonly seed: Json
  /** Name, bytes and crc32 of what the marker vouches for. */
  readonly outputs: readonly (readonly [name: string, bytes: number, crc32: number])[]
  /** ISO 8601. */
  readonly time: string
}

/** What must be equal for a finished RUN to count as the RUN that would run now. */
export interface Expected {
  readonly params: string
  readonly data: string
  readonly seed: Json
}

export type Validity =
  | { readonly valid: true; readonly marker: Marker }
  | { readonly valid: false; readonly why: string; readonly marker?: Marker }

/**
 * Write the marker over the outputs as they lie there.
 * @param durable false: not synced, so that a power failure may take it @returns its text
 */
export async function writeMarker(
  exp: string,
  run: RunId,
  marker: Expected & {
    readonly attempt: number
    readonly epochs: number
    readonly reason: Marker['reason']
    readonly outputs: readonly string[]
  },
  durable = true,
): Promise<string> {
  const outputs: [string, number, number][] = []
  for (const name of marker.outputs) {
    const bytes = await readFile(join(layout.run(exp, run), name))
    outputs.push([name, bytes.length, crc32(bytes)])
  }
  const { attempt, epochs, reason, params, data, seed } = marker
  const time = new Date().toISOString()
  const text = `${JSON.stringify({ run, attempt, epochs, reason, params, data, seed, outputs, time } satisfies Marker)}\n`
  if (durable) await writeAtomic(layout.marker(exp, run), text)
  else replaceSync(layout.marker(exp, run), text)
  return text
}

/**
 * Is the RUN finished? Parses, digests as expected, every output there with its size.
 * @param verify also compare each output's crc32
 */
export function validateMarker(
  exp: string,
  run: RunId,
  expected: Expected | undefined,
  verify = false,
): Validity {
  const judged = judge(readIfThere(layout.marker(exp, run)), run, expected)
  if (!judged.valid) return judged
  for (const [name, bytes, crc] of judged.marker.outputs) {
    const path = join(layout.run(exp, run), name)
    let size: number
    try {
      size = fs.statSync(path).size
    } catch (error) {
      return { valid: false, why: missing(name, error), marker: judged.marker }
    }
    const wrong = size !== bytes ? wrongSize(name, size, bytes) : undefined
    if (wrong !== undefined) return { valid: false, why: wrong, marker: judged.marker }
    if (verify && crc32(fs.readFileSync(path)) !== crc)
      return { valid: false, why: `${name} has other bytes`, marker: judged.marker }
  }
  return judged
}

/** @returns undefined where the text is no marker of ours */
function parseMarker(text: string): Marker | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const m = value as Partial<Record<keyof Marker, unknown>>
  const outputs =
    Array.isArray(m.outputs) &&
    m.outputs.every(
      (o: unknown) =>
        Array.isArray(o) &&
        typeof o[0] === 'string' &&
        !o[0].includes('/') &&
        typeof o[1] === 'number' &&
        typeof o[2] === 'number',
    )
  const texts = [m.run, m.params, m.data, m.time].every(v => typeof v === 'string')
  const numbers = [m.attempt, m.epochs].every(Number.isInteger)
  const reason = m.reason === 'completed' || m.reason === 'early stopping'
  return outputs && texts && numbers && reason && m.seed !== undefined
    ? (value as Marker)
    : undefined
}

function judge(text: string | undefined, run: RunId, expected: Expected | undefined): Validity {
  if (text === undefined) return { valid: false, why: 'it has no marker' }
  const marker = parseMarker(text)
  if (!marker) return { valid: false, why: 'its marker is none of ours or damaged' }
  const why =
    marker.run !== run
      ? `its marker is that of ${marker.run}`
      : !expected
        ? undefined
        : marker.params !== expected.params
          ? 'its hyperparameters were others'
          : marker.data !== expected.data
            ? 'its data was other'
            : marker.seed !== expected.seed
              ? 'its seed was another'
              : undefined
  return why === undefined ? { valid: true, marker } : { valid: false, why, marker }
}

function wrongSize(name: string, found: number, wanted: number): string {
  return `${name} has ${found} bytes, its marker says ${wanted}`
}

function missing(name: string, error: unknown): string {
  return `${name} is missing (${codeOf(error) ?? '?'})`
}
