import fc from 'fast-check'
import t from 'tap'
import { problemText } from '../../src/experiment/json-lines.js'
import { parseDflts } from '../../src/experiment/dflts.js'
import { parseUpf } from '../../src/experiment/upf.js'

const problems = (text: string) => parseUpf(text, 'u').problems.map(problemText)

t.test('BOM, CRLF, comments and blank lines are accepted; a # inside a string is data', async t => {
  const text = '\uFEFF# head\r\n\r\n{"id": "A", "note": "a#b"}\r\n  # tail\n{"id":"B"}'
  const { lines, problems } = parseUpf(text, 'u')
  t.strictSame(problems, [])
  t.match(lines, [
    { run: 'A', line: 3, values: { note: 'a#b' } },
    { run: 'B', line: 5 },
  ])
})

t.test('everything wrong is told at once, with its line', async t => {
  const found = problems(
    [
      '{"id": "A"}',
      '{"id": "A"}',
      '# comment',
      '{"id": "B" "index": 1}',
      '{"id": "../x"}',
      '{"index": 1}',
      '[1]',
      '{"id": "C", "x": 1e999}',
      '{"id": 7}',
    ].join('\n'),
  )
  t.match(found, [
    /^u:2: "id" "A" is that of line 1 too/,
    /^u:4: no valid JSON/,
    /^u:5: "id" is "..\/x", want/,
    /^u:6: has no "id"/,
    /^u:7: \[1\] is no JSON object/,
    /^u:8: "x" is no finite number/,
    /^u:9: "id" is 7/,
  ])
  t.equal(found.length, 7)
})

t.test('brackets in a string are no nesting; nesting over 100 is refused', async t => {
  const deep = (n: number) => `{"id":"A","x":${'['.repeat(n)}${']'.repeat(n)}}`
  t.strictSame(problems(`{"id": "A", "x": "${'['.repeat(500)}"}`), [])
  t.strictSame(problems(deep(99)), [])
  t.match(problems(deep(100)), [/nested deeper than 100/])
  t.match(problems(deep(100_000)), [/nested deeper than 100/])
})

t.test(
  'a key that is there twice is refused, also deep inside and however it is written',
  async t => {
    const line = (text: string) => problems(`{"id": "A", ${text}}`)
    for (const text of [
      '"x": 1, "x": 1',
      '"y": [{"x": 1, "x" : 2}]',
      '"x": 1, "\\u0078": 2',
      '"y": {"z": {}, "x": 1, "z2": {"x": 1}, "x": 2}',
    ])
      t.strictSame(line(text), ['u:1: "x" is there twice, want each key once'], text)
    t.strictSame(line('"id": "B"'), ['u:1: "id" is there twice, want each key once'])
    for (const text of [
      '"x": {"x": {"x": 1}}, "y": {"x": 2}',
      '"x": "\\"x\\": 1, \\"x\\": 2", "y": "x"',
      '"x": ["x", "x"], "": 1, " ": 2, "__proto__": 3',
    ])
      t.strictSame(line(text), [], text)
    t.match(parseDflts('{"x": 1,\n"x": 2}', 'd').problems.map(problemText), [
      /^d:2: "x" is there twice/,
    ])
  },
)

t.test('a problem is one line, whatever is in it', async t => {
  t.strictSame(problems('{"id": "A", "x\\ny": 1e999}'), ['u:1: "x\\ny" is no finite number'])
})

t.test('a file without a RUN is refused', async t => {
  t.match(problems('# nothing\n'), [/^u: has no RUN/])
})

t.test('what was written is read, whatever the values', async t => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
  const line = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.jsonValue())
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 20 }), line, (ids, values) => {
      const { id: _, ...rest } = values
      const wanted = JSON.parse(JSON.stringify(rest)) as typeof rest
      const text = ids.map(id => JSON.stringify({ id, ...rest })).join('\n')
      const { lines, problems } = parseUpf(text, 'u')
      t.strictSame(problems, [])
      t.strictSame(
        lines.map(l => [l.run, l.values]),
        ids.map(id => [id, wanted]),
      )
    }),
    { numRuns: 50 },
  )
})

t.test('DFLTS is one object without an id', async t => {
  t.strictSame(parseDflts('\uFEFF{"epochs": 3}', 'd').values, { epochs: 3 })
  for (const [text, message] of [
    ['{', /^d:1: no valid JSON/],
    ['{\r\n"a": 1,\n}\n', /^d:3: no valid JSON: Expected double-quoted property name/],
    ['\uFEFF{\n"a": 1\n\n', /^d:4: no valid JSON/],
    ['\uFEFF{\n\n"a": {"b": 1,\n"b": 2}}', /^d:4: "b" is there twice, want each key once/],
    ['{"a": 1,\n"b": 1e999}', /^d: "b" is no finite number/],
    [`{"a":\n${'['.repeat(200)}${']'.repeat(200)}}`, /^d: is nested deeper/],
    ['3', /^d: .*is no JSON object/],
    ['{"id": "A"}', /has an "id"/],
  ] as const)
    t.match(parseDflts(text, 'd').problems.map(problemText), [message])
})
