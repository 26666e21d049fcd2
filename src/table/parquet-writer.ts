import { writeAtomic } from '../base/files.js'
import type { Features } from './arrow-file.js'

/** A Parquet file of one id column and features, or of ids and a number: for demo data and partitions. */
export async function writeParquet(
  path: string,
  columns: Readonly<Record<string, readonly string[] | Float64Array | Float32Array>>,
): Promise<Uint8Array> {
  const bytes = await parquetBytes(columns)
  await writeAtomic(path, bytes)
  return bytes
}

/** The bytes alone: the same for the same columns. */
export async function parquetBytes(
  columns: Readonly<Record<string, readonly string[] | Float64Array | Float32Array>>,
): Promise<Uint8Array> {
  const arrow = await import('apache-arrow')
  const parquet = await import('parquet-wasm/node')
  const vectors = Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [
      name,
      values instanceof Float64Array || values instanceof Float32Array
        ? arrow.makeVector(values)
        : arrow.vectorFromArray([...values], new arrow.Utf8()),
    ]),
  )
  const table = new arrow.Table(vectors)
  const properties = new parquet.WriterPropertiesBuilder()
    .setCompression(parquet.Compression.SNAPPY)
    .build()
  const stream = arrow.tableToIPC(table, 'stream')
  return parquet.writeParquet(parquet.Table.fromIPCStream(stream), properties)
}

/** Columns of a feature table, from row-major values. */
export function featureColumns({ names, values }: Features): Record<string, Float32Array> {
  const rows = values.length / names.length
  return Object.fromEntries(
    names.map((name, c) => [
      name,
      Float32Array.from({ length: rows }, (_, r) => values[r * names.length + c]!),
    ]),
  )
}
