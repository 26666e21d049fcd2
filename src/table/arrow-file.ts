import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Table } from 'apache-arrow'
import { crc32 } from '../base/digest.js'
import { HedError } from '../base/errors.js'
import { writeAtomic } from '../base/files.js'
import type { Categories } from './column.js'

/** Features of one table: row-major, with the names of the columns. */
export interface Features {
  readonly names: readonly string[]
  /** [rows, names.length] */
  readonly values: Float32Array
}

export type ArrowColumn =
  | { readonly type: 'categories'; readonly data: Categories }
  | { readonly type: 'numbers'; readonly data: Float64Array }
  | { readonly type: 'features'; readonly data: Features }

/** A column of a file, as written. */
export interface ArrowTable {
  categories(name: string): Categories
  numbers(name: string): Float64Array
  features(name: string): Features
}

/**
 * Node-local form of a table: uncompressed Arrow IPC, one record batch, so that reading it is free.
 *
 * @returns what the manifest says of it
 */
export async function writeArrow(
  path: string,
  columns: Readonly<Record<string, ArrowColumn>>,
): Promise<{ readonly bytes: number; readonly crc32: number }> {
  const arrow = await import('apache-arrow')
  const fields = []
  const children = []
  let rows = 0
  for (const [place, [name, column]] of Object.entries(columns).entries()) {
    switch (column.type) {
      case 'categories': {
        const { values, codes } = column.data
        // ids must be unique within a file
        const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), place + 1)
        const dictionary = arrow.vectorFromArray([...values], new arrow.Utf8())
        children.push(arrow.makeData({ type, length: codes.length, data: codes, dictionary }))
        fields.push(new arrow.Field(name, type, false))
        rows = codes.length
        break
      }
      case 'numbers': {
        const type = new arrow.Float64()
        children.push(arrow.makeData({ type, length: column.data.length, data: column.data }))
        fields.push(new arrow.Field(name, type, false))
        rows = column.data.length
        break
      }
      case 'features': {
        const { names, values } = column.data
        const item = new arrow.Field('item', new arrow.Float32(), false)
        const type = new arrow.FixedSizeList(names.length, item)
        const child = arrow.makeData({
          type: new arrow.Float32(),
          length: values.length,
          data: values,
        })
        rows = values.length / names.length
        children.push(arrow.makeData({ type, length: rows, child }))
        const metadata = new Map([['names', JSON.stringify(names)]])
        fields.push(new arrow.Field(name, type, false, metadata))
      }
    }
  }
  const schema = new arrow.Schema(fields)
  const data = arrow.makeData({ type: new arrow.Struct(fields), length: rows, children })
  const table = new arrow.Table(schema, [new arrow.RecordBatch(schema, data)])
  const bytes = arrow.tableToIPC(table, 'file')
  await writeAtomic(path, bytes, 0o600)
  return { bytes: bytes.length, crc32: crc32(bytes) }
}

/** @throws HedError DATA if the bytes are not those that were written */
export async function readArrow(
  directory: string,
  name: string,
  wanted: { readonly bytes: number; readonly crc32: number },
): Promise<ArrowTable> {
  const path = join(directory, name)
  const bytes = await readFile(path).catch(() => Buffer.alloc(0))
  // before it is parsed: an empty buffer reads as a table of no rows
  if (bytes.length !== wanted.bytes || crc32(bytes) !== wanted.crc32)
    throw new HedError(
      'DATA',
      `${path}: is damaged (${bytes.length} bytes, want ${wanted.bytes})`,
      {
        hint: 'Remove the folder; it is made again.',
      },
    )
  const { tableFromIPC } = await import('apache-arrow')
  const table = tableFromIPC(bytes)
  return {
    categories: column => {
      const data = dataOf(table, column)
      const dictionary = data.dictionary as Iterable<string>
      return {
        values: [...dictionary],
        codes: (data.values as Int32Array).subarray(0, data.length),
      }
    },
    numbers: column => {
      const data = dataOf(table, column)
      return (data.values as Float64Array).subarray(0, data.length)
    },
    features: column => {
      const field = table.schema.fields.find(f => f.name === column)
      const names = JSON.parse(field?.metadata.get('names') ?? '[]') as string[]
      const data = dataOf(table, column)
      const values = data.children[0]!.values as Float32Array
      return { names, values: values.subarray(0, data.length * names.length) }
    },
  }
}

/** Buffers are padded to 8 bytes, so their arrays may be longer than the column. */
function dataOf(table: Table, column: string) {
  const data = table.getChild(column)?.data[0]
  if (!data) throw new Error(`no column ${column} in our own file`)
  return data as {
    length: number
    values: unknown
    dictionary?: unknown
    children: { values: unknown }[]
  }
}
