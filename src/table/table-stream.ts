import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Data, RecordBatch } from 'apache-arrow'
import { naming, syncDirectory } from '../base/files.js'
import { besideMarked } from '../base/mark.js'
import type { Categories } from './column.js'

/** A column of one part of a table. What is missing: code −1, integer −1, number NaN. */
export type TableColumn =
  | { readonly type: 'text'; readonly data: Categories }
  /** The same, written as plain strings: other programs join tables by them. */
  | { readonly type: 'string'; readonly data: Categories }
  /** Integers ≥ 0. */
  | { readonly type: 'integer'; readonly data: Int32Array }
  | { readonly type: 'number'; readonly data: Float64Array }

/** All parts have the same columns, in the same order. */
export type TablePart = Readonly<Record<string, TableColumn>>

/** Rows of a group: smaller ones cost readers time, larger ones memory here. */
const GROUP_ROWS = 2 ** 18

/**
 * Write a Parquet file part by part, so that a table may be larger than the memory. Beside, synced, renamed.
 * Text is dictionary-encoded: pandas and polars read it as categories.
 *
 * @returns rows written
 */
export async function writeTable(
  path: string,
  parts: Iterable<TablePart> | AsyncIterable<TablePart>,
): Promise<number> {
  const parquet = await import('parquet-wasm/node')
  const arrow = await import('apache-arrow')
  const temporary = besideMarked(path)
  const file = await open(temporary, 'wx')
  let rows = 0
  let failure: { readonly error: unknown } | undefined
  async function* batches() {
    try {
      for await (const part of parts) {
        const batch = batchOf(arrow, part)
        rows += batch.numRows
        const bytes = arrow.tableToIPC(new arrow.Table(batch.schema, [batch]), 'stream')
        yield* parquet.Table.fromIPCStream(bytes).recordBatches()
      }
    } catch (error) {
      failure = { error }
    }
  }
  try {
    const properties = new parquet.WriterPropertiesBuilder()
      .setCompression(parquet.Compression.ZSTD)
      .setMaxRowGroupSize(GROUP_ROWS)
      .build()
    const stream = await parquet.transformParquetStream(streamOf(batches()), properties)
    for await (const chunk of stream) await file.write(chunk as Uint8Array)
    // the writer takes a stream that fails for one that ends, and would leave a whole file without the rest
    if (failure) throw failure.error
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    // one that ends before its first part, it takes for a fault of its own
    throw naming(path, failure ? failure.error : error)
  }
  await syncDirectory(dirname(path))
  return rows
}

/** One batch is made when it is wanted. */
function streamOf<T>(items: AsyncGenerator<T, void>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      pull: async controller => {
        const next = await items.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
    },
    { highWaterMark: 0 },
  )
}

type Arrow = typeof import('apache-arrow')

function batchOf(arrow: Arrow, part: TablePart): RecordBatch {
  const columns = Object.entries(part).map(([name, column], place) => {
    const data = dataOf(arrow, column, place)
    return { field: new arrow.Field(name, data.type, true), data }
  })
  const schema = new arrow.Schema(columns.map(c => c.field))
  const type = new arrow.Struct(schema.fields)
  const children = columns.map(c => c.data)
  const length = children[0]?.length ?? 0
  return new arrow.RecordBatch(schema, arrow.makeData({ type, length, children }))
}

/** @param place ids of dictionaries must be unique within a table */
function dataOf(arrow: Arrow, column: TableColumn, place: number): Data {
  const present = presentOf(column)
  switch (column.type) {
    case 'text': {
      const { values, codes } = column.data
      const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), place + 1)
      const dictionary = arrow.vectorFromArray([...values], new arrow.Utf8())
      const data = present ? codes.map(code => Math.max(0, code)) : codes
      return arrow.makeData({ type, length: codes.length, data, dictionary, ...present })
    }
    case 'string':
      return arrow.makeData({ type: new arrow.Utf8(), ...strings(column.data), ...present })
    case 'integer': {
      const { data } = column
      return arrow.makeData({ type: new arrow.Int32(), length: data.length, data, ...present })
    }
    case 'number': {
      const { data } = column
      return arrow.makeData({ type: new arrow.Float64(), length: data.length, data, ...present })
    }
  }
}

/** The bytes of all rows, one behind the other. */
function strings({ values, codes }: Categories) {
  const encoder = new TextEncoder()
  const texts = values.map(value => encoder.encode(value))
  const valueOffsets = new Int32Array(codes.length + 1)
  for (let row = 0; row < codes.length; row++)
    valueOffsets[row + 1] = valueOffsets[row]! + (texts[codes[row]!]?.length ?? 0)
  const data = new Uint8Array(valueOffsets[codes.length]!)
  for (let row = 0; row < codes.length; row++) {
    const text = texts[codes[row]!]
    if (text) data.set(text, valueOffsets[row])
  }
  return { length: codes.length, valueOffsets, data }
}

/** A bit a row; undefined where nothing is missing. */
function presentOf(
  column: TableColumn,
): { readonly nullBitmap: Uint8Array; readonly nullCount: number } | undefined {
  const isText = column.type === 'text' || column.type === 'string'
  const values = isText ? column.data.codes : column.data
  const nullBitmap = new Uint8Array((values.length + 7) >> 3)
  let nullCount = 0
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!
    if (column.type === 'number' ? Number.isNaN(value) : value < 0) nullCount++
    else nullBitmap[row >> 3]! |= 1 << (row & 7)
  }
  return nullCount > 0 ? { nullBitmap, nullCount } : undefined
}
