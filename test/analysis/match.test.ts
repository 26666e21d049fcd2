import { writeFileSync } from 'node:fs'
import t from 'tap'
import { matchLists, type Match } from '../../src/analysis/match.js'
import { upfHeds } from '../e2e/sweep.js'
import { makeSmallExp } from './small-exp.js'

const match = (truth: string, pred: string): Match =>
  matchLists({ name: 'a', text: truth }, { name: 'b', text: pred })

t.test('lines are the same where their names are, whatever their values and blanks', async t => {
  const truth =
    'run     drug    auc_true  auc_pred  cell\nRUN1  Drug_1  0.1000  0.2000  ACH-1\nRUN2  Drug_2  0.2  .3  ACH-1\n'
  const pred = 'RUN2 Drug_2 0.9 0.1 ACH-1\r\n\r\nRUN3 Drug_3 0.9 0.5 ACH-1\r\n'
  const hits = ['RUN2  Drug_2  0.2  .3  ACH-1']
  t.same(match(truth, pred), { hits, total: 2, share: 0.5, note: null })
  t.same(match(truth, pred.replace('RUN2', 'AGAIN')).hits, hits, 'the drug counts, not its RUN')
  const upstream = 'RUN731  0.2939  0.3125  ACH-000956\n'
  t.equal(match(upstream, upstream.replace('0.3125', '0.5')).share, 1)
})

t.test('names that are numbers are names, and a line twice counts once', async t => {
  t.match(match('1e5\n17\n17\n', '17\n'), { total: 2, share: 0.5 })
  t.match(match('0.5\n0.25\n', '0.25\n'), { total: 2, share: 0.5 })
})

t.test('lists of other cells, and of other things, are no lists without a hit', async t => {
  const row = (drug: string, cell: string) => `RUN1  ${drug}  0.1000  0.2000  ${cell}\n`
  t.throws(() => match(row('A', 'ACH-1'), row('A', 'ACH-2')), {
    kind: 'USAGE',
    message: 'a is of the cell "ACH-1", b of "ACH-2"',
  })
  t.equal(match(row('A', 'ACH-1') + row('A', 'ACH-2'), row('A', 'ACH-2')).share, 0.5)
  const none = match(row('A', 'ACH-1'), 'A\n')
  t.match(none, { share: 0, note: /no line is in both: a begins with "RUN1 .*, b with "A"$/ })
  t.throws(() => match('{}', '[{"drug": 1}]'), /b: is JSON, and not such as top-drugs --json/)
  t.equal(match('[x]\n', '[x]\n').share, 1, 'a name may begin with a bracket')
})

t.test("the command prints the original's form, and refuses an empty list", async t => {
  const cwd = t.testdir({ true: 'RUN1 0.5\nRUN2 0.6\nRUN3 0.7\n', pred: 'RUN3 0.1\n', none: '\n' })
  t.equal(upfHeds(['list_match', 'true', 'pred'], cwd).stdout, 'hit: RUN3 0.7\n\nhits: 33.3%\n')
  t.match(JSON.parse(upfHeds(['match', 'true', 'pred', '--json'], cwd).stdout), { total: 3 })
  for (const lists of [
    ['none', 'pred'],
    ['true', 'none'],
  ])
    t.match(upfHeds(['match', ...lists], cwd), {
      ...{ status: 2, stdout: '' },
      stderr: /^upf-heds: none: has no line.*\nhint: Write it with upf-heds top-drugs .*\n$/,
    })
  t.match(upfHeds(['match', 'true', 'gone'], cwd), {
    status: 2,
    stderr: /gone: list cannot be read/,
  })
})

t.test('lists of top-drugs match each other, with --json or without', async t => {
  const cwd = t.testdir({})
  await makeSmallExp(
    cwd,
    ['A', 'B b', 'C'].map((drug, index) => ({
      ...{ id: `RUN${index}`, resolved: { index, drug } },
      test: [['ACH-1', 0.1 + index / 10, 0.5 - ((index + 1) % 3) / 10]],
    })),
  )
  for (const type of ['true', 'pred'])
    for (const json of [[], ['--json']]) {
      const args = ['top-drugs', 'EXP001', type, 'ACH-1', '2', ...json]
      const { stdout } = upfHeds(args, cwd, { CANDLE_DATA_DIR: '.' })
      writeFileSync(`${cwd}/${type}${json.join('')}`, stdout)
    }
  // true: A, B b; predicted: B b, A
  for (const lists of [
    ['true', 'pred'],
    ['true--json', 'pred'],
    ['true', 'pred--json'],
    ['true--json', 'pred--json'],
  ]) {
    const { stdout } = upfHeds(['match', ...lists, '--json'], cwd)
    t.match(
      JSON.parse(stdout),
      { hits: [/^RUN0 +A/, /^RUN1 +B b/], total: 2, share: 1 },
      lists.join(' '),
    )
  }
})
