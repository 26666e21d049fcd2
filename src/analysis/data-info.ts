import { stat } from 'node:fs/promises'
import { clock } from '../base/log.js'
import { readParquet } from '../table/parquet.js'

export interface DataInfo {
  readonly file: string
  readonly bytes: number
  readonly rows: number
  readonly columns: readonly string[]
  /** When it was written, ISO 8601. */
  readonly date: string
  /** Distinct drugs and cells, where the file has them. */
  readonly drugs: number | null
  readonly cells: number | null
}

/** @throws HedError DATA */
export async function parquetInfo(file: string): Promise<DataInfo> {
  const table = await readParquet(file)
  const { size, mtime } = await stat(file)
  const distinct = (name: string) =>
    table.names.includes(name) ? table.categories(name).values.length : null
  return {
    file,
    date: mtime.toISOString(),
    bytes: size,
    rows: table.rows,
    columns: table.names,
    drugs: distinct('improve_chem_id'),
    cells: distinct('improve_sample_id'),
  }
}

export function infoLines(info: DataInfo): string[] {
  const { file, date, bytes, rows, columns, drugs, cells } = info
  const shown = columns.slice(0, 6).join(', ') + (columns.length > 6 ? ', …' : '')
  const number = (n: number) => n.toLocaleString('en')
  return [
    `FILE: ${file}`,
    `  date:    ${clock(new Date(date))}`,
    `  bytes:   ${number(bytes)}`,
    `  rows:    ${number(rows)}`,
    `  columns: ${number(columns.length)} (${shown})`,
    ...(drugs === null ? [] : [`  drugs:   ${number(drugs)}`]),
    ...(cells === null ? [] : [`  cells:   ${number(cells)}`]),
  ]
}
