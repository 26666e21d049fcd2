import { writeFileSync } from 'node:fs'
import { HedError, codeOf } from '../base/errors.js'
import { plural } from '../base/plural.js'
import { readNamed } from '../base/files.js'
import { randomKey, shuffle, STREAM } from '../base/random.js'

export interface GenerateOptions {
  readonly count: number
  readonly file: string
  readonly start: number | undefined
  readonly stride: number | undefined
  readonly shuffle: boolean | undefined
  readonly seed: number | undefined
  /** File with one drug name a line: key `drug`, id by position. */
  readonly drugs: string | undefined
}

/** Make a UPF. Never overwrites. @returns a line for people @throws HedError USAGE */
export function generateUpf(options: GenerateOptions): string {
  const { count, file, start = 0, stride = 1, seed = 0 } = options
  const wrong = (name: string, value: number, least: number) => {
    if (!Number.isInteger(value) || value < least)
      throw new HedError('USAGE', `${name} is ${value}, want an integer ≥ ${least}`)
  }
  wrong('COUNT', count, 1)
  wrong('--start', start, 0)
  wrong('--stride', stride, 1)
  wrong('--seed', seed, 0)
  const lines =
    options.drugs === undefined ? indices(count, start, stride) : named(options.drugs, count)
  const order = Int32Array.from(lines.keys())
  if (options.shuffle) shuffle(randomKey(seed, 'gen'), STREAM.shuffle, 0, order)
  const text = [`# ${plural(count, 'RUN')}`, ...Array.from(order, i => lines[i]!)].join('\n')
  try {
    writeFileSync(file, `${text}\n`, { flag: 'wx' })
  } catch (error) {
    const why = codeOf(error) === 'EEXIST' ? 'is there already' : (codeOf(error) ?? String(error))
    throw new HedError('USAGE', `${file}: cannot be written: ${why}`, {
      hint: 'Name another file.',
      cause: error,
    })
  }
  return `wrote ${plural(count, 'RUN')} to ${file}`
}

function indices(count: number, start: number, stride: number): string[] {
  return Array.from({ length: count }, (_, k) => {
    const index = start + k * stride
    return JSON.stringify({ id: idOf(index), index })
  })
}

function named(file: string, count: number): string[] {
  const drugs = readNamed(file, 'drug list')
    .split(/\r?\n/)
    .filter(name => name.trim() !== '')
  if (drugs.length < count)
    throw new HedError('USAGE', `${file}: has ${plural(drugs.length, 'drug')}, COUNT is ${count}`)
  return drugs.slice(0, count).map((drug, k) => JSON.stringify({ id: idOf(k), drug }))
}

function idOf(n: number): string {
  return `RUN${String(n).padStart(3, '0')}`
}
