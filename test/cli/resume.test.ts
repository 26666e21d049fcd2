import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { invariants } from '../e2e/invariants.js'
import { slowFiles } from '../e2e/slow-sweep.js'
import { BIN, treeBytes, upfHeds } from '../e2e/sweep.js'

/** EXPs that somebody has damaged by hand: mended, or refused in one line with nothing changed. */

t.jobs = 2

const files = slowFiles([{ id: 'R0' }, { id: 'R1' }])

/** A finished EXP in a folder of the test's own. */
function finishedExp(t: Test): { cwd: string; exp: string } {
  const cwd = t.testdir(files)
  const args = ['--data-source', 'data', '--threads', '1', '--tmp-root', join(cwd, 'tmp')]
  t.equal(upfHeds(['local', 'upf.txt', 'dflts.json', ...args], cwd).status, 0)
  return { cwd, exp: join(cwd, 'out/EXP001') }
}

/** … of which R0 is to be run again. */
function unfinishedExp(t: Test): { cwd: string; exp: string } {
  const made = finishedExp(t)
  fs.rmSync(join(made.exp, 'run/R0/stop.marker'))
  return made
}

t.test('nothing left to do: it says so and leaves everything as it is', async t => {
  const { cwd, exp } = finishedExp(t)
  const before = fs.readFileSync(join(exp, 'status.json'), 'utf8')
  const { status, stdout } = upfHeds(['resume', exp], cwd)
  t.equal(status, 0)
  t.equal(stdout, `${exp}: nothing left to do, 2 RUNs finished\n`)
  t.equal(fs.readFileSync(join(exp, 'status.json'), 'utf8'), before)
  // its leader was killed after the last marker
  fs.rmSync(join(exp, 'status.json'))
  t.equal(upfHeds(['resume', exp], cwd).status, 0)
  t.match(JSON.parse(fs.readFileSync(join(exp, 'status.json'), 'utf8')), { exit: 0, finished: 2 })
})

t.test('.engine is gone: made again, with a leader later than any that a RUN has met', async t => {
  const { cwd, exp } = unfinishedExp(t)
  const rank = join(exp, 'run/R0/rank.txt')
  fs.writeFileSync(rank, fs.readFileSync(rank, 'utf8').replace('leader = 1', 'leader = 7'))
  fs.rmSync(join(exp, '.engine'), { recursive: true })
  const { status, stdout, stderr } = upfHeds(['resume', exp], cwd)
  t.equal(status, 0, stderr)
  t.match(stdout, `${exp}/.engine: was gone, and is made again`)
  t.match(stdout, /1 of 2 RUNs finished already/)
  t.match(fs.readFileSync(rank, 'utf8'), /leader = 8/)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 2 })
})

for (const name of ['.engine', '.engine/journal', '.engine/lock', 'run'])
  t.test(`a file lies where ${name} was: one line, and nothing is changed`, async t => {
    const { cwd, exp } = unfinishedExp(t)
    fs.rmSync(join(exp, name), { recursive: true, force: true })
    fs.writeFileSync(join(exp, name), 'x')
    const before = treeBytes(exp)
    const { status, stdout, stderr } = upfHeds(['resume', exp], cwd)
    t.equal(status, 2)
    t.equal(stdout, '')
    t.match(stderr, /^upf-heds: [^\n]+\nhint: [^\n]+\n$/)
    t.match(stderr, `${exp}/${name}: is no folder`)
    t.strictSame(treeBytes(exp), before)
  })

t.test('a journal that is no folder is named by whoever reads it', async t => {
  const { cwd, exp } = unfinishedExp(t)
  fs.rmSync(join(exp, '.engine/journal'), { recursive: true })
  fs.writeFileSync(join(exp, '.engine/journal'), 'x')
  for (const args of [
    ['explain', exp, 'R0'],
    ['journal', 'check', exp],
  ]) {
    const { status, stderr } = upfHeds(args, cwd)
    t.equal(status, 2)
    t.match(stderr, /^upf-heds: [^\n]*\.engine\/journal[^\n]*\nhint: [^\n]+\n$/)
  }
})

for (const name of ['9'.repeat(20), '1e308'])
  t.test(`.engine/epochs holds a file ${name} that no leader has made`, async t => {
    const { cwd, exp } = unfinishedExp(t)
    fs.writeFileSync(join(exp, '.engine/epochs', name), '')
    const { status, stderr } = upfHeds(['resume', exp], cwd)
    t.equal(status, 0, stderr)
    t.match(invariants(exp), { finished: 2, left: 0 })
  })

for (const [what, text] of [
  ['null', 'null'],
  ['a list', '[]'],
  ['an empty object', '{}'],
  ['a cut object', '{'],
] as const)
  t.test(`exp.json holds ${what}: one line`, async t => {
    const cwd = t.testdir({ E: { 'exp.json': text } })
    for (const command of ['resume', 'progress']) {
      const { status, stderr } = upfHeds([command, 'E'], cwd)
      t.equal(status, 2)
      t.match(stderr, /^upf-heds: [^\n]*E\/exp.json: is damaged: [^\n]+\nhint: [^\n]+\n$/)
      t.notMatch(stderr, /TypeError|undefined/)
    }
  })

t.test('too few open files to read our own modules: one line', async t => {
  const words = [process.execPath, BIN, 'progress', 'E'].map(word => `'${word}'`).join(' ')
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', `unset NODE_OPTIONS; ulimit -n 24; exec ${words}`],
    {
      cwd: t.testdir({}),
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    },
  )
  t.equal(status, 2, stderr)
  t.match(stderr, /^upf-heds: too few open files are allowed: [^\n]+\nhint: .*ulimit -n[^\n]+\n$/)
})
