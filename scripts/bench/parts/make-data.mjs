// A data set in the IMPROVE layout with as many rows as the whole of IMPROVE; made once in a folder and found again.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featureColumns, parquetBytes } from '../../../dist/src/table/parquet-writer.js'
import { syntheticSamples, syntheticTables } from '../../../dist/src/train/synthetic.js'
import { FILES } from '../../../dist/workflows/hed/data.js'

/** @param size cells, drugs, cellFeatures, drugFeatures @param rows of responses */
export async function makeData(folder, size, rows) {
  if (existsSync(join(folder, FILES.responses))) return
  mkdirSync(folder, { recursive: true })
  const names = (count, prefix) => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`)
  const [cells, drugs] = [names(size.cells, 'ACH-'), names(size.drugs, 'Drug_')]
  const tables = syntheticTables(size)
  const write = async (file, columns) =>
    writeFileSync(join(folder, file), await parquetBytes(columns))
  await write(FILES.cells, {
    improve_sample_id: cells,
    ...featureColumns({ names: names(size.cellFeatures, 'ge.'), values: tables.cell }),
  })
  await write(FILES.drugs, {
    improve_chem_id: drugs,
    ...featureColumns({ names: names(size.drugFeatures, 'mordred.'), values: tables.drug }),
  })
  const { rows: codes, y } = syntheticSamples(size, rows)
  await write(FILES.responses, {
    improve_sample_id: Array.from(codes.cell, code => cells[code]),
    improve_chem_id: Array.from(codes.drug, code => drugs[code]),
    auc: Float64Array.from(y),
  })
}
