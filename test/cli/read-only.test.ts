import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BIN, upfHeds } from '../e2e/sweep.js'
import { makeSmallExp, REPORTS } from '../analysis/small-exp.js'

/** Nobody: a superuser may write everywhere. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

const COMMANDS = [
  ['progress', 'progress.txt'],
  ['epochs', 'epochs.txt'],
  ['extract', 'scores.csv'],
  ['score-cells', 'cells.csv'],
  ['convergence', 'convergence.csv'],
  ['results', 'results.parquet'],
  ['export', 'EXP001.tgz'],
] as const

const test = [['ACH-1', 0.25, 0.5]] as const
const RUNS = [
  { id: 'A', resolved: { index: 0, drug: 'A' }, test },
  { id: 'B', resolved: { index: 1, drug: 'B' }, test },
]

const isReadable = spawnSync('test', ['-r', BIN], STRANGER).status === 0
const skip = isReadable ? false : 'the program may not be read by others'

/** An EXP that nobody may write to, and what a stranger's commands say of it. */
async function readOnly(t: Test) {
  const folder = t.testdir({ there: {} })
  const exp = await makeSmallExp(folder, RUNS)
  fs.writeFileSync(join(exp.path, 'out/out-001.txt'), 'x\n')
  for (const epoch of ['001', '002']) {
    const path = join(exp.path, 'run/A/ckpts/epochs', epoch)
    fs.mkdirSync(path, { recursive: true })
    fs.writeFileSync(join(path, 'model.h5'), 'x')
  }
  const all = fs.readdirSync(exp.path, { recursive: true, withFileTypes: true })
  const inside = all.filter(e => e.isDirectory()).map(e => join(e.parentPath, e.name))
  const folders = [exp.path, ...inside]
  for (const path of folders) fs.chmodSync(path, 0o555)
  fs.chmodSync(join(folder, 'there'), 0o777)
  t.teardown(() => {
    for (const path of folders.filter(folder => fs.existsSync(folder))) fs.chmodSync(path, 0o755)
  })
  // what watches the processes of tests would write where a stranger may not
  const words = ['-u', 'NODE_OPTIONS', process.execPath, BIN]
  const heds = (...args: string[]) =>
    spawnSync('env', [...words, ...args], { encoding: 'utf8', cwd: '/', ...STRANGER })
  const names = () => fs.readdirSync(exp.path, { recursive: true }).sort()
  return { exp: exp.path, there: join(folder, 'there'), heds, names }
}

t.test('a read-only EXP: print, warn, write nothing', { skip }, async t => {
  const { exp, heds, names } = await readOnly(t)
  const before = names()
  for (const [command, file] of COMMANDS) {
    const { status, stdout, stderr } = heds(command, exp)
    t.equal(status, 0, stderr)
    if (!['results', 'export'].includes(command)) t.ok(stdout.length > 5, command)
    t.match(stderr, 'not written: the experiment is read-only', `${command}: ${file}`)
    t.ok(typeof JSON.parse(heds(command, exp, '--json').stdout) === 'object', command)
  }
  t.match(heds('shrink-logs', exp), {
    ...{ status: 0, stdout: /^would shrink: .* summary-001\.txt\n$/ },
    stderr: /^upf-heds: .*summary-\*\.txt is not written: the experiment is read-only\n$/,
  })
  t.match(heds('clean-ckpts', exp, '0', '--dry-run').stdout, /^A {2}2 models, 1 would go/)
  t.match(heds('clean-ckpts', exp, '0'), {
    ...{ status: 2, stdout: '' },
    stderr: /^upf-heds: .*no model can be removed: the experiment is read-only\nhint: [^\n]*\n$/,
  })
  t.same(names(), before)
})

t.test('--out writes what is read from a read-only EXP elsewhere', { skip }, async t => {
  const { exp, there, heds, names } = await readOnly(t)
  const before = names()
  const temporaries = () =>
    fs.readdirSync(tmpdir()).filter(name => name.startsWith('upf-heds-export-'))
  const temporary = temporaries()
  t.equal(heds('results', exp, '--out', join(there, 'a.parquet')).status, 0)
  t.match(heds('export', exp), { stderr: /hint: --out FILE writes it elsewhere\.\n$/ })
  const { status, stdout, stderr } = heds('export', exp, '--out', join(there, 'x.tgz'), '--json')
  t.equal(status, 0, stderr)
  t.match(JSON.parse(stdout), { file: join(there, 'x.tgz'), missing: [] })
  t.same(fs.readdirSync(there), ['a-runs.parquet', 'a.parquet', 'x.tgz'])
  t.equal(spawnSync('tar', ['-xzf', 'x.tgz'], { cwd: there }).status, 0)
  const packed = fs.readdirSync(join(there, 'EXP001'))
  for (const name of REPORTS) t.ok(packed.includes(name), name)
  t.equal(fs.readFileSync(join(there, 'EXP001/out/summary-001.txt'), 'utf8'), 'x\n')
  t.match(heds('export', exp, '--out', join(there, 'x.tgz')), {
    ...{ status: 2, stderr: /x\.tgz: cannot be written: is there already/ },
  })
  t.same(names(), before)
  t.same(temporaries(), temporary, 'what was made for the archive alone is gone')
})

t.test('each command says how it is used, by an example', async t => {
  const folder = t.testdir({})
  await makeSmallExp(folder, RUNS)
  for (const [command] of [
    ...COMMANDS,
    ['shrink-logs'],
    ['list-cells'],
    ['match'],
    ['partition'],
  ]) {
    const { status, stdout } = upfHeds([command, '--help'], folder)
    t.equal(status, 0)
    t.match(stdout, new RegExp(`Examples:\\n +upf-heds ${command} `), command)
  }
  for (const [command] of COMMANDS) {
    const { stdout } = upfHeds([command, 'EXP001', '--json'], folder, { CANDLE_DATA_DIR: '.' })
    t.ok(typeof JSON.parse(stdout) === 'object', command)
  }
})

t.test('data info tells of each file', async t => {
  const cwd = t.testdir({})
  upfHeds(['data', 'demo', 'data'], cwd)
  const files = fs.readdirSync(join(cwd, 'data')).map(name => `data/${name}`)
  const { stdout } = upfHeds(['data', 'info', ...files, '--json'], cwd)
  t.match(JSON.parse(stdout), [
    { file: 'data/ge_merged_data.parquet', rows: 120, cells: 120, drugs: null },
    { file: 'data/md_merged_data.parquet', rows: 24, cells: null, drugs: 24 },
    { file: 'data/rsp_merged.parquet', cells: 120, drugs: 24 },
  ])
  t.match(upfHeds(['data', 'info', ...files], cwd).stdout, /FILE: [^]*FILE: [^]*cells: {3}120\n/)
})

t.test('a folder in place of a file is told as that', async t => {
  const cwd = t.testdir({ data: {} })
  for (const command of [['list-drugs'], ['data', 'info'], ['partition']]) {
    const args = [...command, 'data', ...(command[0] === 'partition' ? ['x@@@'] : [])]
    t.match(upfHeds(args, cwd), {
      ...{ status: 3, stdout: '' },
      stderr: /^upf-heds: data: is a folder, want a Parquet file\nhint: Name a file, .*\n$/,
    })
  }
})
