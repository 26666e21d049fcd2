import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { parsePredictions } from '../../src/analysis/predictions-file.js'
import { writePredictions } from '../../workflows/hed/predictions.js'

t.test(
  'what the workflow writes comes back: six decimals of each number, and every label',
  async t => {
    const path = join(t.testdir({}), 'predicted.csv')
    const label = fc.oneof(
      fc.constantFrom('ACH-000001', 'a,b', 'say "x"', '1e5', 'ü', ''),
      fc.string().filter(text => text.trim() === text),
    )
    const row = fc.tuple(
      fc.double({ min: -2, max: 2, noNaN: true }),
      fc.float({ min: -2, max: 2, noNaN: true }),
      label,
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row), async rows => {
        const [yTrue, yPred] = [rows.map(r => r[0]), rows.map(r => r[1])]
        const labels = rows.map(r => r[2])
        await writePredictions(path, Float64Array.from(yTrue), Float32Array.from(yPred), labels)
        const found = parsePredictions(await readFile(path, 'utf8'), path)
        const six = (value: number) => Number(value.toFixed(6)) + 0
        t.same(
          Array.from(found.aucTrue, v => v + 0),
          yTrue.map(six),
        )
        t.same(
          Array.from(found.aucPred, v => v + 0),
          yPred.map(six),
        )
        t.same(
          Array.from(found.labels.codes, code => found.labels.values[code]),
          labels,
        )
        t.equal(new Set(found.labels.values).size, found.labels.values.length)
      }),
      { numRuns: 200 },
    )
  },
)

t.test('numbers as other programs write them are those that Number reads', async t => {
  const words = ['1', '-0.5', '1e-05', '4.2E-05', '0.1234567890123456789', '.5', '123456.789012345']
  const text = words.map(word => `${word},0.3,x`).join('\r\n')
  const { aucTrue, labels } = parsePredictions(`auc_true,auc_pred,labels\r\n${text}\r\n`, 'f')
  t.same([...aucTrue], words.map(Number))
  t.same(labels.values, ['x'])
})

t.test('the header alone is no rows; what is no row is named by its line', async t => {
  t.equal(parsePredictions('auc_true,auc_pred,labels\n', 'f').aucTrue.length, 0)
  const parse = (rest: string) => () => parsePredictions(`auc_true,auc_pred,labels\n${rest}`, 'f')
  const kind = 'DATA'
  t.throws(parse('0.1,0.2,a\n0.1,0.'), { kind, message: /^f:3: is "0.1,0."/ })
  t.throws(parse('0.1,,a\n'), { kind, message: /^f:2:/ })
  for (const word of ['nil', 'Infinity', '1e999', '0x11', '1e', '.'])
    t.throws(parse(`0.1,${word},a\n`), { kind, message: /^f:2:/ }, word)
  t.throws(() => parsePredictions('a,b\n', 'f'), { kind, message: /^f:1: is "a,b"/ })
})
