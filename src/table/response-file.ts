import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { beside, syncDirectory } from '../base/files.js'

/** Responses of one RUN's held-out drug. */
export interface Responses {
  readonly cells: readonly string[]
  readonly drugs: readonly string[]
  /** Same length. */
  readonly auc: Float64Array
}

/**
 * `rsp_test_data.parquet`, with parquetjs-lite: two strings and one double lie inside what every reader
 * opens. Written beside and renamed; the same rows give the same bytes.
 */
export async function writeResponses(
  path: string,
  { cells, drugs, auc }: Responses,
): Promise<void> {
  const { default: parquet } = await import('parquetjs-lite')
  const schema = new parquet.ParquetSchema({
    improve_sample_id: { type: 'UTF8', compression: 'SNAPPY' },
    improve_chem_id: { type: 'UTF8', compression: 'SNAPPY' },
    auc: { type: 'DOUBLE', compression: 'SNAPPY' },
  })
  const temporary = beside(path)
  try {
    const writer = await parquet.ParquetWriter.openFile(schema, temporary, {
      rowGroupSize: Math.max(1, auc.length),
    })
    for (let row = 0; row < auc.length; row++)
      await writer.appendRow({
        improve_sample_id: cells[row]!,
        improve_chem_id: drugs[row]!,
        auc: auc[row]!,
      })
    await writer.close()
    const file = await open(temporary, 'r+')
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}
