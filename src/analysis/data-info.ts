import { stat } from 'node:fs/promises'
import { readParquet } from '../table/parquet.js'

export interface DataInfo {
  readonly file: string
  readonly bytes: number
  readonly rows: number
  readonly columns: readonly string[]
  /** Distinct drugs, where the file has them. */
  readonly drugs: number | null
}

/** @throws HedError DATA */
export async function parquetInfo(file: string): Promise<DataInfo> {
  const table = await readParquet(file)
  const { size } = await stat(file)
  const drugs = table.names.includes('improve_chem_id')
    ? table.categories('improve_chem_id').values.length
    : null
  return { file, bytes: size, rows: table.rows, columns: table.names, drugs }
}

export function infoLines({ file, bytes, rows, columns, drugs }: DataInfo): string[] {
  const shown = columns.slice(0, 6).join(', ') + (columns.length > 6 ? ', …' : '')
  const number = (n: number) => n.toLocaleString('en')
  return [
    `FILE: ${file}`,
    `  bytes:   ${number(bytes)}`,
    `  rows:    ${number(rows)}`,
    `  columns: ${number(columns.length)} (${shown})`,
    ...(drugs === null ? [] : [`  drugs:   ${number(drugs)}`]),
  ]
}
