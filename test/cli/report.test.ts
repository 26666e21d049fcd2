import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { writePage } from '../../src/analysis/report-file.js'
import * as layout from '../../src/experiment/layout.js'
import { readPlan } from '../../src/experiment/plan.js'
import { madeExp } from '../analysis/report/made-exp.js'
import { start, upfHeds } from '../e2e/sweep.js'

const SLOW = resolve('dist/test/e2e/slow-workflow.js')
const ask = (cwd: string, ...args: string[]) => upfHeds(['report', ...args], cwd)

t.test('EXP/report.html, or another file; the terminal says what is in it', async t => {
  const cwd = t.testdir()
  const { path } = madeExp(cwd)
  const { status, stdout, stderr } = ask(cwd, path)
  t.equal(status, 0, stderr)
  t.match(stdout, /^EXP001: 10 of 12 RUNs finished\nRMSE of 10 held-out drugs: mean 0\.\d{4} \[/)
  t.match(stdout, /\nhigh-error tail: .*\nfailed: RUN\d+, RUN\d+\nwrote .*EXP001\/report.html \(0/)
  const page = fs.readFileSync(join(path, 'report.html'), 'utf8')
  t.match(page, /^<!doctype html>\n<html lang="en">/)
  fs.rmSync(join(path, 'report.html'))

  const elsewhere = ask(cwd, path, '--out', 'mine.html', '--json')
  t.equal(elsewhere.status, 0)
  const told = JSON.parse(elsewhere.stdout)
  t.same([told.page, told.counts.finished, told.missing.failed.length], ['mine.html', 10, 2])
  t.equal(told.bytes, fs.statSync(join(cwd, 'mine.html')).size)
  t.notOk(fs.existsSync(join(path, 'report.html')), 'the EXP is as it was')

  t.equal(ask(cwd, path, '--out', 'mine.html').status, 0, 'a report may be made anew')
  const other = ask(cwd, path, '--out', join(path, 'exp.json'))
  t.match(other, { status: 2, stderr: /exp.json: is there, and is no report\nhint: Name another/ })
  t.ok(JSON.parse(fs.readFileSync(join(path, 'exp.json'), 'utf8')), 'nothing is lost')
  const nowhere = ask(cwd, path, '--out', 'none/mine.html')
  t.equal(nowhere.status, 2)
  t.match(nowhere.stderr, /none\/mine.html: cannot be written: there is no folder none\nhint: /)
})

t.test('a read-only EXP is told once, and nothing is written', async t => {
  const folder = t.testdir({ EXP: {} })
  const path = join(folder, 'EXP/report.html')
  fs.chmodSync(join(folder, 'EXP'), 0o555)
  const said: string[] = []
  t.capture(console, 'error', (text: string) => said.push(text))
  const isRoot = process.geteuid!() === 0
  if (isRoot) process.seteuid!(65_534) // root may write anywhere
  try {
    t.equal(writePage(path, 'x', false), false)
    t.throws(() => writePage(path, 'x', true), {
      kind: 'USAGE',
      message: /cannot be written: EACCES/,
    })
  } finally {
    if (isRoot) process.seteuid!(0)
    fs.chmodSync(join(folder, 'EXP'), 0o755)
  }
  t.same(said, [
    `upf-heds: ${path} is not written: the experiment is read-only`,
    'hint: --out FILE writes it elsewhere.',
  ])
  t.same(fs.readdirSync(join(folder, 'EXP')), [])
})

t.test('one that the original workflow left', async t => {
  const cwd = t.testdir()
  const { path } = madeExp(cwd)
  const finished = readPlan(path).filter(p => fs.existsSync(layout.marker(path, p.run)))
  for (const { run } of finished)
    fs.writeFileSync(layout.marker(path, run), 'early stopping: 8/8\n')
  for (const name of ['exp.json', 'status.json', '.engine'])
    fs.rmSync(join(path, name), { recursive: true })
  const { status, stdout, stderr } = ask(cwd, path)
  t.equal(status, 0, stderr)
  t.match(
    stdout,
    `EXP001: ${finished.length} of 12 RUNs finished\nRMSE of ${finished.length} held-out`,
  )
})

t.test('a sweep that has just begun, and one of another workflow', async t => {
  const lines = [{ epochs: 400 }, { epochs: 2 }, { epochs: 2 }]
  const cwd = t.testdir({
    'upf.txt': lines.map((l, i) => JSON.stringify({ id: `R${i}`, ...l })).join('\n'),
    'dflts.json': JSON.stringify({ workflow: SLOW, epochSeconds: 0.1 }),
    data: {},
  })
  const args = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '3']
  const sweep = start(args, cwd)
  await sweep.until(/R1 finished/)
  const early = JSON.parse(ask(cwd, 'EXP001', '--json').stdout)
  t.same(early.groups, [], 'its RUNs predict nothing')
  t.ok(early.missing.running.includes('R0'), 'it runs')
  sweep.child.kill('SIGINT')
  await sweep.ended
  const stopped = ask(cwd, 'EXP001')
  t.equal(stopped.status, 0, stopped.stderr)
  t.match(stopped.stdout, /\ninterrupted: R0(, R2)?\n/)
  t.notMatch(stopped.stdout, /RMSE|note:/)
})
