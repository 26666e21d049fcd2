import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openExp } from '../../src/experiment/exp.js'
import { LIST_NAME } from '../../src/runtime/contents.js'
import { factsFile, type Facts } from '../../src/runtime/store.js'
import { unpackImage } from '../../src/runtime/unpack.js'
import { pack, portrait } from '../runtime/store-rig.js'
import { gone, invariants } from './invariants.js'
import { isHeld, letGo, slowFiles, until } from './slow-sweep.js'
import { processes, start, upfHeds } from './sweep.js'

/** What sweeps make on a node: apart from each other, gone when they are over, safe on a shared /tmp. */

const ARGS = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1']
const RANKS = ['--procs', '2', '--lease', '0.5,2,4']
const HELD = [{ id: 'R0', hold: 'mid-epoch' }]
const isRoot = process.getuid?.() === 0

/** Files of attempts below a TMP_ROOT, by EXP. */
function attemptsIn(tmp: string): string[] {
  const exps = fs.readdirSync(tmp).filter(name => name.startsWith('EXP'))
  return exps.flatMap(exp => fs.readdirSync(join(tmp, exp)).map(name => `${exp}/${name}`))
}

t.test('two EXPs of one user on one node at once: neither touches what the other has', async t => {
  const cwd = t.testdir(slowFiles(HELD))
  const args = [...ARGS, ...RANKS, '--tmp-root', join(cwd, 'tmp')]
  const sweeps = ['a', 'b'].map(out => start([...args, '--candle-data-dir', out], cwd))
  const exps = ['a', 'b'].map(out => join(cwd, out, 'EXP001'))
  for (const exp of exps) await isHeld(exp, 'R0')
  const both = attemptsIn(join(cwd, 'tmp'))
  t.equal(both.length, 2)
  t.equal(new Set(both.map(name => name.split('/')[0])).size, 2, 'a folder for each EXP')

  letGo(exps[0]!, 'R0')
  t.match(await sweeps[0]!.ended, { status: 0 })
  t.strictSame(attemptsIn(join(cwd, 'tmp')).length, 1, 'that of the other one stays')
  letGo(exps[1]!, 'R0')
  t.match(await sweeps[1]!.ended, { status: 0 })
  for (const exp of exps) t.strictSame(invariants(exp).problems, [])
  t.strictSame(attemptsIn(join(cwd, 'tmp')), [])
  t.equal(fs.readdirSync(join(cwd, 'tmp')).filter(name => name.startsWith('data-')).length, 1)
})

t.test('killed with all it had: the next start on the node removes what it left', async t => {
  const cwd = t.testdir(slowFiles(HELD))
  const tmp = shortFolder(t)
  const args = [...ARGS, ...RANKS, '--tmp-root', tmp]
  const killed = start(args, cwd)
  const exp = join(cwd, 'out/EXP001')
  await isHeld(exp, 'R0')
  for (const { pid } of processes(exp)) process.kill(pid, 'SIGKILL')
  killed.child.kill('SIGKILL')
  await killed.ended
  await gone(exp)
  const { id } = openExp(exp, '.')
  const left = attemptsIn(tmp)
  t.match(left, [new RegExp(`^${id}/`)])
  t.ok(fs.readdirSync(join(tmp, 'status')).length > 0, 'and the socket of its leader')

  const next = start([...args, '--candle-data-dir', 'next'], cwd)
  await isHeld(join(cwd, 'next/EXP001'), 'R0')
  await until(() => !attemptsIn(tmp).includes(left[0]!))
  await until(() => fs.readdirSync(join(tmp, 'status')).length === 1)
  t.equal(attemptsIn(tmp).length, 1, 'its own')
  letGo(join(cwd, 'next/EXP001'), 'R0')
  t.match(await next.ended, { status: 0 })
  t.strictSame(attemptsIn(tmp), [])
  t.strictSame(invariants(join(cwd, 'next/EXP001')).problems, [])
})

const mounted = new Set<string>()

/** A folder whose name is short enough for sockets. */
function shortFolder(t: Test): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'upf-'))
  t.teardown(() => {
    if (mounted.has(folder)) spawnSync('umount', ['-l', folder])
    fs.rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A disk of so many KiB, until the test ends. @returns undefined where only root may mount one */
function smallDisk(t: Test, size: number): string | undefined {
  const folder = shortFolder(t)
  const options = `size=${size}k,mode=0700`
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status !== 0) {
    t.pass('left out', { skip: 'no tmpfs can be mounted here' })
    return undefined
  }
  mounted.add(folder)
  return folder
}

t.test('a full /tmp: one line that names it and what is free', async t => {
  const cwd = t.testdir({ source: { a: 'a'.repeat(300_000), b: 'b'.repeat(300_000) } })
  const disk = smallDisk(t, 400)
  if (disk === undefined) return
  const { file } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  const { status, stdout, stderr } = upfHeds(['env', 'unpack', file, disk], cwd)
  t.match({ status, stdout }, { status: 2, stdout: '' })
  t.ok(stderr.startsWith(`upf-heds: ${disk}: `), stderr)
  t.match(stderr, /\.tar takes 1 MB unpacked, 1 MB are free\nhint: Make room/)
  // full only when half of it is there: somebody else has taken the room meanwhile
  const facts = JSON.parse(fs.readFileSync(factsFile(file), 'utf8')) as Facts
  fs.writeFileSync(factsFile(file), JSON.stringify({ ...facts, unpacked: 0 }))
  await t.rejects(unpackImage(file, disk), { kind: 'USAGE', message: /0 MB unpacked, .* free/ })
  t.strictSame(fs.readdirSync(disk), [], 'the half is gone')
})

t.test('a sweep whose TMP_ROOT is full stops with one alert that names it', async t => {
  const cwd = t.testdir({ 'upf.txt': '{"id": "R0", "index": 0}', 'dflts.json': '{"epochs": 1}' })
  const disk = smallDisk(t, 64)
  if (disk === undefined) return
  t.equal(upfHeds(['data', 'demo', 'data'], cwd).status, 0)
  const { status } = upfHeds([...ARGS, ...RANKS, '--tmp-root', disk], cwd)
  const alerts = fs.readFileSync(join(cwd, 'out/EXP001/alerts.txt'), 'utf8')
  t.equal(status, 6)
  t.equal(alerts.trim().split('\n').length, 1, alerts)
  t.match(alerts, disk)
})

t.test('in /tmp somebody was there first: refused, and nothing of it is touched', async t => {
  const cwd = t.testdir({ source: { a: 'new' }, victim: { a: 'old' }, tmp: {}, other: {} })
  const tmp = join(cwd, 'tmp')
  fs.chmodSync(tmp, 0o700)
  const { file } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  const { path } = await unpackImage(file, tmp)
  t.strictSame(portrait(path, [LIST_NAME]), portrait(join(cwd, 'source')))
  const refused = async (why: RegExp, root = tmp) => {
    await t.rejects(unpackImage(file, root), { kind: 'USAGE', message: why, hint: /Remove it/ })
    t.strictSame(fs.readdirSync(join(cwd, 'victim')), ['a'])
    t.equal(fs.readFileSync(join(cwd, 'victim/a'), 'utf8'), 'old')
  }
  fs.rmSync(path, { recursive: true })
  fs.symlinkSync(join(cwd, 'victim'), path)
  await refused(/env-\w+: is a symbolic link/)
  fs.rmSync(path)
  fs.writeFileSync(path, 'in the way')
  await refused(/env-\w+: is not a directory/)
  t.equal(fs.readFileSync(path, 'utf8'), 'in the way')
  fs.rmSync(path)
  fs.mkdirSync(path, { mode: 0o777 })
  fs.chmodSync(path, 0o777)
  await refused(/env-\w+: has mode 777/)
  fs.rmSync(path, { recursive: true })
  fs.renameSync(tmp, join(cwd, 'real'))
  fs.symlinkSync(join(cwd, 'victim'), tmp)
  await refused(/tmp: is a symbolic link/)
  fs.rmSync(tmp)
  if (!isRoot) return
  fs.chmodSync(join(cwd, 'other'), 0o700)
  fs.chownSync(join(cwd, 'other'), 65534, 65534)
  await refused(/other: belongs to user 65534/, join(cwd, 'other'))
})

t.test(
  'a link where the staged data goes: no RUN is run, nothing is written behind it',
  async t => {
    const cwd = t.testdir({ ...slowFiles([{ id: 'R0' }]), victim: {} })
    const args = [...ARGS, ...RANKS, '--tmp-root', join(cwd, 'tmp')]
    t.equal(upfHeds(args, cwd).status, 0)
    const [tree] = fs.readdirSync(join(cwd, 'tmp')).filter(name => name.startsWith('data-'))
    fs.rmSync(join(cwd, 'tmp', tree!), { recursive: true })
    fs.symlinkSync(join(cwd, 'victim'), join(cwd, 'tmp', tree!))
    const { status } = upfHeds([...args, '--candle-data-dir', 'next'], cwd)
    t.equal(status, 6)
    t.match(fs.readFileSync(join(cwd, 'next/EXP001/alerts.txt'), 'utf8'), /is a symbolic link/)
    t.strictSame(fs.readdirSync(join(cwd, 'victim')), [])
  },
)
