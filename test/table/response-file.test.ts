import * as fs from 'node:fs'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import parquet from 'parquetjs-lite'
import t from 'tap'
import { readParquet } from '../../src/table/parquet.js'
import { writeResponses } from '../../src/table/response-file.js'

t.test('every reader reads it alike, and the same rows give the same bytes', async t => {
  const directory = t.testdir()
  const rows = {
    cells: ['ACH-1', 'ACH-2', 'β "cell"'],
    drugs: ['D', 'D', 'D'],
    auc: Float64Array.from([0.25, 1 / 3, 0.75]),
  }
  const [a, b] = [join(directory, 'a.parquet'), join(directory, 'b.parquet')]
  await writeResponses(a, rows)
  await writeResponses(b, rows)
  t.ok(fs.readFileSync(a).equals(fs.readFileSync(b)))
  t.strictSame(fs.readdirSync(directory), ['a.parquet', 'b.parquet'], 'nothing else is left')

  const table = await readParquet(a)
  t.strictSame(table.categories('improve_sample_id').values, rows.cells)
  t.strictSame(table.numbers('auc'), rows.auc)
  const objects = await parquetReadObjects({ file: await asyncBufferFromFile(a), compressors })
  t.strictSame(
    objects.map(o => o['auc']),
    [...rows.auc],
  )
  const reader = await parquet.ParquetReader.openFile(a)
  t.match(await reader.getCursor().next(), { improve_sample_id: 'ACH-1', auc: 0.25 })
  await reader.close()
})

t.test('no rows make a file too', async t => {
  const path = join(t.testdir(), 'empty.parquet')
  await writeResponses(path, { cells: [], drugs: [], auc: new Float64Array() })
  const objects = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
  t.strictSame(objects, [])
})
