import { readFile } from 'node:fs/promises'
import type { Table, Vector } from 'apache-arrow'
import { codeOf, HedError, messageOf } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { plural } from '../base/plural.js'
import type { Categories } from './column.js'

/**
 * Parquet as pandas/pyarrow, polars and DuckDB write it: any codec, dictionary, page version, number of
 * row groups. Columns are read by name; others are ignored.
 */
export interface ParquetTable {
  readonly path: string
  readonly rows: number
  readonly names: readonly string[]
  /** A string column. @throws HedError DATA: missing, another type, nulls */
  categories(name: string): Categories
  /** A numeric column. @throws HedError DATA: missing, another type, nulls, NaN or infinite */
  numbers(name: string): Float64Array
  /** Numeric columns side by side, row-major [rows, names.length]. Throws likewise. */
  matrix(names: readonly string[]): Float32Array
}

/** @throws HedError DATA if the file is absent, empty, truncated or no Parquet, or has no rows */
export async function readParquet(path: string): Promise<ParquetTable> {
  const table = await decode(path)
  const names = table.schema.fields.map(field => field.name)
  if (table.numRows === 0)
    throw new HedError('DATA', `${path}: has no rows`, { hint: 'Write the file again.' })
  const column = (name: string): Vector => {
    const found = table.getChild(name)
    if (found) return found
    const near = nearest(name, names)
    const others = names.slice(0, 8).join(', ') + (names.length > 8 ? ', …' : '')
    throw new HedError('DATA', `${path}: has no column "${name}", only ${others}`, {
      hint:
        near === undefined
          ? `Write the file with a column "${name}".`
          : `Is "${near}" meant? Rename it to "${name}".`,
    })
  }
  return {
    path,
    rows: table.numRows,
    names,
    categories: name => categories(path, name, column(name)),
    numbers: name => {
      const out = new Float64Array(table.numRows)
      copyNumbers(path, name, column(name), out, 0, 1)
      return out
    },
    matrix: wanted => {
      const out = new Float32Array(table.numRows * wanted.length)
      wanted.forEach((name, i) => copyNumbers(path, name, column(name), out, i, wanted.length))
      return out
    },
  }
}

async function decode(path: string): Promise<Table> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
  const [{ readParquet: decodeParquet }, { tableFromIPC }] = await Promise.all([
    import('parquet-wasm/node'),
    import('apache-arrow'),
  ])
  try {
    return tableFromIPC(decodeParquet(bytes).intoIPCStream())
  } catch (error) {
    throw new HedError(
      'DATA',
      `${path}: is no whole Parquet file (${bytes.length} bytes): ${messageOf(error)}`,
      { hint: 'Copy or write the file again.', cause: error },
    )
  }
}

function unreadable(path: string, cause: unknown): HedError {
  const code = codeOf(cause)
  return code === 'EISDIR'
    ? new HedError('DATA', `${path}: is a folder, want a Parquet file`, {
        hint: 'Name a file, such as rsp_merged.parquet of DATA_SOURCE.',
        cause,
      })
    : new HedError('DATA', `${path}: cannot be read: ${WHY[code ?? ''] ?? code ?? String(cause)}`, {
        hint: 'Check the path; for a sweep, DATA_SOURCE.',
        cause,
      })
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'what it is said to lie in is a file',
  EACCES: 'its permissions do not allow it',
}

function categories(path: string, name: string, column: Vector): Categories {
  refuseNulls(path, name, column)
  const values: string[] = []
  const codes = new Int32Array(column.length)
  const known = new Map<unknown, number>()
  let row = 0
  for (const value of column) {
    let code = known.get(value)
    if (code === undefined) {
      if (typeof value !== 'string')
        throw new HedError('DATA', `${path}: column "${name}" holds ${typeOf(column)}, want text`, {
          hint: 'Write the ids as strings.',
        })
      code = values.push(value) - 1
      known.set(value, code)
    }
    codes[row++] = code
  }
  return { values, codes }
}

/** One column into every `stride`-th element of `out`, from `start`. */
function copyNumbers(
  path: string,
  name: string,
  column: Vector,
  out: Float32Array | Float64Array,
  start: number,
  stride: number,
): void {
  refuseNulls(path, name, column)
  let at = start
  for (const chunk of column.data) {
    const values = chunk.values as unknown
    const array = values as ArrayLike<number | bigint>
    const numeric = /^(Float|Int|Uint)/.test(String(column.type)) && !/Float16/.test(typeOf(column))
    if (!numeric)
      throw new HedError(
        'DATA',
        `${path}: column "${name}" holds ${typeOf(column)}, want numbers`,
        {
          hint: 'Write the column as double or float.',
        },
      )
    for (let i = 0; i < chunk.length; i++) {
      const value = Number(array[i])
      out[at] = value
      if (!Number.isFinite(out[at]!))
        // after narrowing: 1e300 is no float32 either
        throw new HedError(
          'DATA',
          `${path}: column "${name}" is ${value} in row ${(at - start) / stride}, want a finite number`,
          { hint: 'Remove or impute the row.' },
        )
      at += stride
    }
  }
}

function refuseNulls(path: string, name: string, column: Vector): void {
  if (column.nullCount === 0) return
  let row = 0
  while (column.isValid(row)) row++
  throw new HedError(
    'DATA',
    `${path}: column "${name}" is null in ${plural(column.nullCount, 'row')}, first in row ${row}`,
    { hint: 'Remove or fill the rows.' },
  )
}

function typeOf(column: Vector): string {
  return String(column.type)
}
