import t from 'tap'
import { maskNames, unmaskNames } from '../../src/cli/after-dashes.js'
import { table } from '../../src/cli/print.js'
import { makeSmallExp } from '../analysis/small-exp.js'
import { upfHeds } from '../e2e/sweep.js'

t.test('words after -- are names, whatever they begin with', async t => {
  const cwd = t.testdir({ '-a': '-x\n', b: '-x\n' })
  const test = [
    ['-b', 0.25, 0.5],
    ['--json', 0.5, 0.25],
  ] as const
  await makeSmallExp(cwd, [{ id: 'A', resolved: { index: 0, drug: '-d' }, test }])
  const heds = (...args: string[]) => upfHeds(args, cwd, { CANDLE_DATA_DIR: '.' })
  const top = (cell: string, ...args: string[]) => {
    const { stdout, stderr } = heds('top-drugs', ...args, cell, '5')
    return stdout.split('\n')[1]?.replaceAll(/ +/g, ' ') ?? stderr
  }
  t.equal(top('-b', 'EXP001', 'true', '--'), 'A -d 0.2500 0.5000 -b')
  t.equal(top('-b', '--', 'EXP001', 'true'), 'A -d 0.2500 0.5000 -b')
  t.equal(top('--json', 'EXP001', 'true', '--'), 'A -d 0.5000 0.2500 --json')
  t.match(JSON.parse(heds('top-drugs', '--json', 'EXP001', 'true', '--', '-b', '5').stdout), [
    { cell: '-b' },
  ])
  t.match(heds('match', '--', '-a', 'b'), { status: 0, stdout: 'hit: -x\n\nhits: 100.0%\n' })
  t.match(heds('data', 'info', '--', '--help'), {
    ...{ status: 3, stderr: /^upf-heds: --help: cannot be read/ },
  })
  t.match(heds('top-drugs', 'EXP001', 'true', '-b', '5'), {
    ...{ status: 2, stderr: /hint: Put -- before a name that begins with "-"\.\n$/ },
  })
  t.match(heds('--', '-x'), { status: 2, stderr: /^upf-heds: "-x" is no command/ })
})

t.test('an option whose value is missing is told', async t => {
  const cwd = t.testdir({})
  t.match(upfHeds(['export', 'EXP001', '--out'], cwd), {
    ...{ status: 2, stderr: 'upf-heds: --out has no value\nhint: Give one: --out VALUE.\n' },
  })
})

t.test('a second -- is a name, and a mask leaves no trace', async t => {
  const masked = maskNames(['a', '--json', '--', 'b', '-c', '--'])
  t.notOk(masked.slice(2).some(word => word.startsWith('-')))
  const args: Record<string, unknown> = { list: masked, one: masked[3], flag: true }
  unmaskNames(args)
  t.same(args, { list: ['a', '--json', 'b', '-c', '--'], one: '-c', flag: true })
})

t.test('columns stand below each other whatever the letters of a name', async t => {
  const lines = table([
    ['drug', 'auc', 'cell'],
    ['顺铂', '0.1', 'x'],
    ['シスプラチン', '0.2', 'y'],
    ['nai\u0308ve', '0.3', 'z'],
  ])
  t.same(lines, [
    'drug          auc  cell',
    '顺铂          0.1  x',
    'シスプラチン  0.2  y',
    'nai\u0308ve         0.3  z',
  ])
})
