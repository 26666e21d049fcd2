import * as fs from 'node:fs'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import t from 'tap'
import { HedError } from '../../src/base/errors.js'
import { dataDigest } from '../../src/experiment/digest.js'
import { readParquet } from '../../src/table/parquet.js'
import { writeParquet } from '../../src/table/parquet-writer.js'

const FOLDER = 'test/fixtures/parquet'
const files = fs.readdirSync(FOLDER).filter(name => name.endsWith('.parquet'))
const expected = JSON.parse(fs.readFileSync(join(FOLDER, 'expected.json'), 'utf8'))

t.equal(files.length, 20, 'all writers are there')

for (const name of files)
  t.test(`${name} reads right, as hyparquet reads it`, async t => {
    const path = join(FOLDER, name)
    const table = await readParquet(path)
    const cells = table.categories('improve_sample_id')
    const drugs = table.categories('improve_chem_id')
    const auc = table.numbers('auc')
    const close = name.includes('float32') ? 1e-6 : 0
    t.equal(table.rows, expected.rows)
    t.strictSame(drugs.values, expected.drugs)
    t.strictSame(cells.values, expected.cells)
    const counts: Record<string, number> = {}
    for (const code of drugs.codes)
      counts[drugs.values[code]!] = (counts[drugs.values[code]!] ?? 0) + 1
    t.strictSame(counts, expected.rows_by_drug)
    t.ok(Math.abs(auc.reduce((a, b) => a + b, 0) - expected.sum_auc) < 1e-4)
    const row = (i: number) => ({
      improve_sample_id: cells.values[cells.codes[i]!],
      improve_chem_id: drugs.values[drugs.codes[i]!],
    })
    for (const [i, end] of [
      [0, expected.first],
      [399, expected.last],
    ] as const) {
      t.match(end, row(i))
      t.ok(Math.abs(auc[i]! - end.auc) <= close)
    }
    const other = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
    t.strictSame(
      Array.from(auc, (y, i) => ({ ...row(i), auc: y })),
      other.map(o => ({
        improve_sample_id: o['improve_sample_id'],
        improve_chem_id: o['improve_chem_id'],
        auc: o['auc'],
      })),
    )
  })

const BAD: Readonly<Record<string, RegExp>> = {
  'auc-null.parquet': /column "auc" is null in 1 row, first in row \d+/,
  'auc-string.parquet': /column "auc" holds .*Utf8, want numbers/,
  'drug-null.parquet': /column "improve_chem_id" is null/,
  'empty-table.parquet': /has no rows/,
  'no-auc.parquet': /has no column "auc", only improve_sample_id, improve_chem_id, AUC/,
  'not-parquet.parquet': /is no whole Parquet file \(38 bytes\)/,
  'truncated.parquet': /is no whole Parquet file/,
  'zero-bytes.parquet': /is no whole Parquet file \(0 bytes\)/,
}

for (const [name, message] of Object.entries(BAD))
  t.test(`bad/${name} is refused with one line`, async t => {
    const error = await read(join(FOLDER, 'bad', name)).then(
      () => undefined,
      (e: unknown) => e,
    )
    t.ok(error instanceof HedError)
    t.match(error, { kind: 'DATA', message, hint: /\.$/ })
    t.notMatch((error as HedError).message, /\n/)
  })

t.test('a flipped byte without a page checksum shows in the digest of the data', async t => {
  const good = await dataDigest(FOLDER, ['pandas.parquet'])
  const bad = await dataDigest(join(FOLDER, 'bad'), ['flipped-byte.parquet'])
  t.equal(good.files[0]!.bytes, bad.files[0]!.bytes)
  t.not(good.files[0]!.sha256, bad.files[0]!.sha256)
})

t.test('NaN is named by column and row; a missing file is one line', async t => {
  const path = join(t.testdir(), 'x.parquet')
  const values = Float32Array.from([1, 2, NaN])
  await writeParquet(path, {
    id: ['a', 'b', 'c'],
    'ge.1': Float32Array.from([1, 2, 3]),
    'ge.2': values,
  })
  const table = await readParquet(path)
  t.strictSame(table.matrix(['ge.1']), Float32Array.from([1, 2, 3]))
  t.throws(
    () => table.matrix(['ge.1', 'ge.2']),
    /column "ge.2" is NaN in row 2, want a finite number/,
  )
  await t.rejects(readParquet('nowhere.parquet'), {
    message: /nowhere.parquet: cannot be read: no such file/,
  })
})

async function read(path: string): Promise<void> {
  const table = await readParquet(path)
  table.categories('improve_sample_id')
  table.categories('improve_chem_id')
  table.numbers('auc')
}
