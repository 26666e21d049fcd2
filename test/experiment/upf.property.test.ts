import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { runId } from '../../src/base/ids.js'
import { parseUpf, type Upf } from '../../src/experiment/upf.js'

/** A line of a generated UPF, with what the parser must make of it. */
interface Planted {
  readonly text: string
  /** The RUN that must be read from it. */
  readonly run?: { readonly id: string; readonly values: unknown }
  /** It must be named as wrong. */
  readonly fault?: RegExp
  /** Its id is that of the nth earlier RUN, if there is one; else it is left out. */
  readonly copyOf?: number
}

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
const space = fc.constantFrom('', ' ', '\t', '   ')
const noNewline = fc.string({ unit: 'binary' }).map(text => text.replaceAll('\n', ' '))

/** Names and texts with all that could be mistaken for a comment, an end of line or an id. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('#', '# no comment', 'a#b', '\n', '\r\n', '\uFEFF', '\u2028', '"', '\\', '{}'),
)
const values = fc
  .dictionary(text, fc.oneof(fc.jsonValue({ maxDepth: 3 }), text), { maxKeys: 5 })
  .map(({ id: _, ...rest }) => JSON.parse(JSON.stringify(rest)) as Record<string, unknown>)

const good = fc
  .record({ id, values, before: space, after: space, first: fc.boolean() })
  .map(({ id, values, before, after, first }): Planted => ({
    text: before + JSON.stringify(first ? { id, ...values } : { ...values, id }) + after,
    run: { id, values },
  }))
const silent = fc.oneof(
  space.map((text): Planted => ({ text })),
  fc.tuple(space, noNewline).map(([before, rest]): Planted => ({ text: `${before}#${rest}` })),
)
const wrongId = fc.oneof(
  fc.constantFrom(7, null, true, '', '.a', '-a', '..', '../x', 'a/b', 'a b', 'ä', 'A\n', [], {}),
  fc.constant('x'.repeat(65)),
)
const fault = fc.oneof(
  id.map((id): Planted => ({ text: `{"id": "${id}"`, fault: /^no valid JSON/ })),
  id.map((id): Planted => ({ text: `{"id": "${id}" "x": 1}`, fault: /^no valid JSON/ })),
  id.map((id): Planted => ({ text: `{"id": "${id}"} # not here`, fault: /^no valid JSON/ })),
  id.map((id): Planted => ({ text: `{"id": "${id}", "x": NaN}`, fault: /^no valid JSON/ })),
  id.map((id): Planted => ({ text: `{"id": "${id}", "x": [-1e999]}`, fault: /no finite number/ })),
  id.map((id): Planted => ({
    text: `{"id": "${id}", "x": ${'['.repeat(200)}${']'.repeat(200)}}`,
    fault: /nested deeper/,
  })),
  fc
    .constantFrom('[]', '[{"id": "A"}]', '1', 'null', 'true', '"A"')
    .map((text): Planted => ({ text, fault: /is no JSON object/ })),
  values.map((values): Planted => ({ text: JSON.stringify(values), fault: /^has no "id"/ })),
  wrongId.map((id): Planted => ({ text: JSON.stringify({ id }), fault: /^"id" is .*, want/ })),
  fc.nat(20).map((copyOf): Planted => ({ text: '', copyOf, fault: /is that of line \d+ too/ })),
)
const endings = fc.record({
  bom: fc.constantFrom('', '\uFEFF'),
  newline: fc.constantFrom('\n', '\r\n'),
  last: fc.boolean(),
})

/** Ids of good lines are made unique; copies get the id they copy. */
function settle(planted: readonly Planted[]): Planted[] {
  const seen = new Map<string, number>()
  const kept: Planted[] = []
  for (const line of planted) {
    if (line.run) {
      if (seen.has(line.run.id)) continue
      seen.set(line.run.id, kept.length + 1)
    }
    if (line.copyOf === undefined) kept.push(line)
    else if (seen.size > 0) {
      const [id, at] = [...seen][line.copyOf % seen.size]!
      const fault = new RegExp(`^"id" ".*" is that of line ${at} too, want one of its own$`)
      kept.push({ text: JSON.stringify({ id, x: 1 }), fault })
    }
  }
  return kept
}

function write(lines: readonly Planted[], { bom, newline, last }: FcValue<typeof endings>): string {
  return bom + lines.map(l => l.text).join(newline) + (last ? newline : '')
}

type FcValue<A> = A extends fc.Arbitrary<infer T> ? T : never

/** What holds for every text. */
function assertSound(text: string, { lines, problems }: Upf): void {
  const count = text.split('\n').length
  const ids = lines.map(l => l.run)
  assert.equal(new Set(ids).size, ids.length, 'ids are unique')
  for (const { run, values } of lines) {
    assert.equal(runId(run), run)
    assert.ok(!Object.hasOwn(values, 'id'))
    JSON.stringify(values, (_, value: unknown) => {
      assert.ok(typeof value !== 'number' || Number.isFinite(value))
      return value
    })
  }
  const named = [...lines, ...problems].map(l => l.line).filter(line => line > 0)
  assert.equal(new Set(named).size, named.length, 'a line is read or named, once')
  for (const line of named) assert.ok(Number.isInteger(line) && line <= count)
  for (const part of [lines, problems])
    for (let n = 1; n < part.length; n++) assert.ok(part[n]!.line > part[n - 1]!.line, 'in order')
  for (const problem of problems) {
    assert.equal(problem.file, 'u')
    assert.notEqual(problem.text, '')
  }
  assert.ok(lines.length + problems.length > 0, 'a file without a RUN is a problem too')
}

t.test('what was written is read, comments, blank lines, BOM and CRLF aside', async t => {
  const file = fc.array(fc.oneof({ weight: 3, arbitrary: good }, silent), { maxLength: 30 })
  fc.assert(
    fc.property(file, endings, (planted, ending) => {
      const settled = settle(planted)
      const text = write(settled, ending)
      const upf = parseUpf(text, 'u')
      const wanted = settled.flatMap(({ run }, n) =>
        run ? [{ run: run.id, line: n + 1, values: run.values }] : [],
      )
      assert.deepEqual(JSON.parse(JSON.stringify(upf.lines)), JSON.parse(JSON.stringify(wanted)))
      assert.equal(upf.problems.length, wanted.length === 0 ? 1 : 0)
      assertSound(text, upf)
    }),
    { numRuns: 300 },
  )
  t.pass('all of them')
})

t.test('each planted fault is named with its line, and all other lines are read', async t => {
  const file = fc.array(
    fc.oneof({ weight: 3, arbitrary: good }, { weight: 2, arbitrary: fault }, silent),
    { minLength: 1, maxLength: 30 },
  )
  fc.assert(
    fc.property(file, endings, (planted, ending) => {
      const settled = settle(planted)
      fc.pre(settled.some(l => l.run ?? l.fault))
      const text = write(settled, ending)
      const upf = parseUpf(text, 'u')
      const wanted = settled.flatMap((l, n) => (l.fault ? [{ line: n + 1, why: l.fault }] : []))
      assert.deepEqual(
        upf.problems.map(p => p.line),
        wanted.map(w => w.line),
      )
      upf.problems.forEach((p, n) => assert.match(p.text, wanted[n]!.why))
      assert.deepEqual(
        upf.lines.map(l => [l.line, l.run as string]),
        settled.flatMap((l, n) => (l.run ? [[n + 1, l.run.id]] : [])),
      )
      assertSound(text, upf)
    }),
    { numRuns: 300 },
  )
  t.pass('all of them')
})

t.test('no text makes it throw, and what it reads is sound', async t => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{"id": "A"}', '{"id": "B", "x": 1}', '{', '}', '"', '#', '\\', '1e999'),
    fc.constantFrom(
      '\n',
      '\r\n',
      '\r',
      '\uFEFF',
      '\u0000',
      '\uD800',
      '[',
      ']',
      '__proto__',
      '"id"',
    ),
    fault.map(f => f.text),
    good.map(g => g.text),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
      const text = pieces.join('')
      assertSound(text, parseUpf(text, 'u'))
    }),
    { numRuns: 1000 },
  )
  t.pass('none did')
})

t.test('a cut file is read up to the cut', async t => {
  const file = fc.array(fc.oneof(good, silent), { maxLength: 15 })
  fc.assert(
    fc.property(file, endings, fc.nat(), (planted, ending, where) => {
      const text = write(settle(planted), ending)
      const cut = text.slice(0, where % (text.length + 1))
      const whole = parseUpf(text, 'u')
      const part = parseUpf(cut, 'u')
      assert.deepEqual(part.lines, whole.lines.slice(0, part.lines.length))
      const last = cut.split('\n').length
      for (const problem of part.problems)
        assert.ok(problem.line === last || problem.line === 0, 'only the last line can be wrong')
    }),
    { numRuns: 300 },
  )
  t.pass('at every place tried')
})
