import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, HedError } from '../../src/base/errors.js'
import { writeAtomic } from '../../src/base/files.js'
import { randomFloats, randomKey, STREAM, type Key } from '../../src/base/random.js'
import { featureColumns, parquetBytes } from '../../src/table/parquet-writer.js'
import { FILES } from './data.js'

export interface DemoSize {
  readonly cells: number
  readonly drugs: number
  readonly cellFeatures: number
  readonly drugFeatures: number
  readonly seed: number
}

export const DEMO: DemoSize = { cells: 120, drugs: 24, cellFeatures: 60, drugFeatures: 40, seed: 0 }

/** Latent factors behind features and response: what a model can learn. */
const FACTORS = 5
/** Share of pairs that were never measured. */
const GAPS = 0.08
/** The drug whose response follows nothing its features tell: the high-error drug of the demo. */
const OUTLIER = 7

/**
 * A small synthetic data set in the IMPROVE layout: `auc` is a smooth function of latent factors of cell
 * and drug, the features are noisy views of those factors. The same bytes for the same size and seed.
 *
 * @returns lines about what was made
 * @throws HedError USAGE if other files of these names are there
 */
export async function makeDemoData(
  directory: string,
  size: DemoSize = DEMO,
): Promise<readonly string[]> {
  const key = randomKey(size.seed, 'demo')
  const cells = Array.from({ length: size.cells }, (_, i) => `ACH-${pad(i + 1, 6)}`)
  const drugs = Array.from({ length: size.drugs }, (_, i) => `Drug_${pad(i + 1, 3)}`)
  const cellFactors = normals(key, 1, size.cells * FACTORS)
  const drugFactors = normals(key, 2, size.drugs * FACTORS)
  const files: Record<string, Uint8Array> = {
    [FILES.cells]: await parquetBytes({
      improve_sample_id: cells,
      ...featureColumns(views(key, 3, cellFactors, size.cellFeatures, 'ge.')),
    }),
    [FILES.drugs]: await parquetBytes({
      improve_chem_id: drugs,
      ...featureColumns(views(key, 4, drugFactors, size.drugFeatures, 'mordred.')),
    }),
  }
  const hidden = normals(key, 5, FACTORS)
  const noise = normals(key, 6, size.cells * size.drugs)
  const gap = uniforms(key, 7, size.cells * size.drugs)
  const rows: { cell: string; drug: string; auc: number }[] = []
  drugs.forEach((drug, d) =>
    cells.forEach((cell, c) => {
      const pair = d * size.cells + c
      if (gap[pair]! < GAPS) return
      let fit = 0
      for (let f = 0; f < FACTORS; f++) {
        const ofDrug = d === OUTLIER ? -2 * hidden[f]! : drugFactors[d * FACTORS + f]!
        fit += cellFactors[c * FACTORS + f]! * ofDrug
      }
      const auc = 1 / (1 + Math.exp(-(1 + 0.7 * fit + 0.25 * noise[pair]!)))
      rows.push({ cell, drug, auc: Math.round(auc * 1e4) / 1e4 })
    }),
  )
  files[FILES.responses] = await parquetBytes({
    improve_sample_id: rows.map(r => r.cell),
    improve_chem_id: rows.map(r => r.drug),
    auc: Float64Array.from(rows, r => r.auc),
  })
  const missing = []
  for (const [name, bytes] of Object.entries(files))
    if (!(await isThere(join(directory, name), bytes))) missing.push([name, bytes] as const)
  try {
    await mkdir(directory, { recursive: true })
    for (const [name, bytes] of missing) await writeAtomic(join(directory, name), bytes)
  } catch (error) {
    throw new HedError('USAGE', `${directory}: cannot be written: ${codeOf(error) ?? '?'}`, {
      hint: 'Name another folder.',
      cause: error,
    })
  }
  return [
    `${rows.length} responses of ${size.cells} cells to ${size.drugs} drugs in ${directory}`,
    `${drugs[OUTLIER] ?? drugs[0]!} is made to be the high-error drug`,
  ]
}

/** Is our own file there already? Another one of this name is never touched. */
async function isThere(path: string, bytes: Uint8Array): Promise<boolean> {
  const there = await readFile(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw new HedError('USAGE', `${path}: cannot be read: ${codeOf(error) ?? '?'}`, {
      hint: 'Name another folder.',
      cause: error,
    })
  })
  if (there && !there.equals(bytes))
    throw new HedError('USAGE', `${path}: another file of this name is there`, {
      hint: 'Name another folder, or remove the file.',
    })
  return there !== undefined
}

/** Standardised features: mixtures of the factors and noise. */
function views(key: Key, stream: number, factors: Float64Array, width: number, prefix: string) {
  const rows = factors.length / FACTORS
  const mix = normals(key, stream * 10, FACTORS * width)
  const noise = normals(key, stream * 10 + 1, rows * width)
  const values = new Float32Array(rows * width)
  for (let w = 0; w < width; w++) {
    const column = Float64Array.from({ length: rows }, (_, r) => {
      let sum = 0.3 * noise[r * width + w]!
      for (let f = 0; f < FACTORS; f++) sum += mix[f * width + w]! * factors[r * FACTORS + f]!
      return sum
    })
    const mean = column.reduce((a, b) => a + b, 0) / rows
    const sd = Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / rows) || 1
    column.forEach((x, r) => (values[r * width + w] = (x - mean) / sd))
  }
  return { names: Array.from({ length: width }, (_, w) => `${prefix}${w + 1}`), values }
}

function uniforms(key: Key, what: number, length: number): Float32Array {
  return randomFloats(key, STREAM.demo, what, 0, length)
}

/** Standard normal numbers, by Box and Muller. */
function normals(key: Key, what: number, length: number): Float64Array {
  const a = randomFloats(key, STREAM.demo, what, 1, length)
  const b = randomFloats(key, STREAM.demo, what, 2, length)
  return Float64Array.from(
    a,
    (u, i) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * b[i]!),
  )
}

function pad(n: number, width: number): string {
  return String(n).padStart(width, '0')
}
