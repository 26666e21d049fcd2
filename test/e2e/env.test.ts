import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { isUsed } from '../../src/stage/users.js'
import { invariants } from './invariants.js'
import { isHeld, letGo, slowFiles } from './slow-sweep.js'
import { startSlurm } from './slurm.js'
import { processes, start, upfHeds } from './sweep.js'

/** Sweeps whose ranks start from a runtime image: of this package as it is, packed once for all tests here. */

const LINES = [{ id: 'R0' }, { id: 'R1', hold: 'mid-epoch' }]
const RUN = ['upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1']
const RANKS = ['--procs', '3', '--lease', '0.5,2,4']
fs.mkdirSync('.tap', { recursive: true })
const ENVS = fs.mkdtempSync(join(resolve('.tap'), 'env-images-'))
const digests: string[] = []

t.before(() => {
  // the same runtime with something of its own beside it: two images
  for (const name of ['2026-1', '2026-2']) {
    const folder = join(ENVS, 'source', name)
    fs.mkdirSync(join(folder, 'bin'), { recursive: true })
    fs.writeFileSync(join(folder, 'bin/hello'), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 })
    fs.writeFileSync(join(folder, 'bin/python3'), `#!/bin/sh\nexit 1\n`, { mode: 0o755 })
    const args = ['env', 'create', folder, '--runtime', '--name', name, '--env-dir', ENVS, '--json']
    const made = upfHeds(name === '2026-1' ? [...args, '--latest'] : args, '.')
    if (made.status !== 0) throw new Error(made.stderr)
    digests.push((JSON.parse(made.stdout) as { digest: string }).digest)
  }
})
t.teardown(() => fs.rmSync(ENVS, { recursive: true, force: true }))

function place(t: Test, lines = LINES.slice(0, 1)) {
  const cwd = t.testdir(slowFiles(lines))
  const env = { UPF_HEDS_ENV_DIR: ENVS, TMP_ROOT: join(cwd, 'tmp') }
  const call = (...args: string[]) => upfHeds(args, cwd, env)
  return { cwd, env, call, exp: join(cwd, 'out/EXP001') }
}

function envOf(exp: string): unknown {
  const text = fs.readFileSync(join(exp, 'exp.json'), 'utf8')
  return (JSON.parse(text) as { settings: { ENV: string } }).settings.ENV
}

function moveLatest(call: (...args: string[]) => { status: number | null }, name: string): void {
  const folder = join(ENVS, 'source', name)
  call('env', 'create', folder, '--runtime', '--latest')
}

t.test('local: ranks start from the image; resume and restart keep it', async t => {
  const { cwd, env, call, exp } = place(t, LINES)
  const sweep = start(['local', ...RUN, ...RANKS, '--env', 'latest'], cwd, env)
  await isHeld(exp, 'R1')
  const ranks = processes(exp).map(({ pid }) => `/proc/${pid}`)
  t.ok(ranks.length >= 4, 'leader, agents, executors')
  const programs = ranks.map(process => fs.readlinkSync(`${process}/exe`))
  const variables = ranks.map(process => fs.readFileSync(`${process}/environ`, 'utf8').split('\0'))
  const users = fs.readdirSync(join(cwd, 'tmp/users', `env-${digests[0]!.slice(0, 16)}`))
  sweep.child.kill('SIGTERM')
  const { status, stdout, stderr } = await sweep.ended
  t.equal(status, 6, stderr)
  const pinned = `latest@sha256:${digests[0]}`
  const node = join(cwd, 'tmp', `env-${digests[0]!.slice(0, 16)}`)
  for (const list of variables) {
    t.ok(list.includes(`UPF_HEDS_PYTHON=${node}/bin/python3`), 'they find its Python')
    t.ok(list.some(text => text.startsWith(`PATH=${node}/bin:`)))
  }
  t.equal(users.length, 3, 'each rank has noted that it uses the image')
  t.equal(await isUsed(join(cwd, 'tmp'), basename(node)), false, 'until it ends')
  t.strictSame([...new Set(programs)], [join(node, '.upf-heds/bin/node')])
  t.match(stdout, `image ${pinned}: unpacked in ${node}\n`)
  t.equal(envOf(exp), pinned)
  t.strictSame(invariants(exp).problems, [])
  const story = call('explain', 'EXP001', 'R1').stdout
  t.match(story, /stopped/)
  t.notMatch(story, /failed/)

  moveLatest(call, '2026-2')
  t.match(call('env', 'list', '--json').stdout, /"latest"/)
  letGo(exp, 'R1')
  const resumed = call('resume', 'EXP001')
  t.match(resumed, { status: 0, stdout: `image ${pinned}: is in ${node}\n` })
  t.strictSame(invariants(exp).problems, [])
  t.match(call('resume', 'EXP001', '--env', '2026-2'), { status: 2, stderr: `ENV is ${pinned} in` })
  t.match(call('resume', 'EXP001', '--env', 'latest'), { status: 0, stdout: /nothing left to do/ })

  t.equal(call('local', ...RUN, 'EXP001', '--procs', '3').status, 0)
  t.equal(envOf(join(cwd, 'out/EXP002')), pinned, 'a restart takes that of the old EXP')
  t.equal(call('local', ...RUN, 'EXP001', '--env', 'latest').status, 0)
  t.equal(envOf(join(cwd, 'out/EXP003')), pinned, 'also by a name that has moved')
  t.equal(call('local', ...RUN, 'EXP001', '--env', '2026-2').status, 0)
  t.equal(envOf(join(cwd, 'out/EXP004')), `2026-2@sha256:${digests[1]}`, 'another one if named')
  t.equal(call('local', ...RUN, 'EXP001', '--env', 'none').status, 0)
  t.equal(envOf(join(cwd, 'out/EXP005')), '', 'or none')

  const listed = call('env', 'list', '--json').stdout
  for (const name of ['EXP001', 'EXP002', 'EXP003', 'EXP004'])
    t.match(listed, join(cwd, 'out', name))
  t.notMatch(listed, join(cwd, 'out/EXP005'))
})

/** What each of three ranks has found in the TMP_ROOT that they share. */
function howEntered(exp: string, cwd: string): (string | undefined)[] {
  const node = join(cwd, 'tmp', `env-${digests[0]!.slice(0, 16)}`)
  return [0, 1, 2]
    .map(rank => fs.readFileSync(join(exp, `out/out-00${rank}.txt`), 'utf8'))
    .map(text => / image 2026-1@sha256:\w+: (\w+) in (.*)/.exec(text))
    .map(found => (found?.[2] === node ? found[1] : undefined))
    .toSorted()
}

t.test('an image that is not there: one line, and no EXP is made', async t => {
  const { cwd, call } = place(t)
  const refused = call('local', ...RUN, '--env', '2026-3')
  t.match(refused, { status: 2, stderr: /no image is called 2026-3, .*\nhint: Is 2026-[12] meant/ })
  t.match(call('local', ...RUN, '--env', '../x'), { status: 2, stderr: /"..\/x" names no image/ })
  t.match(call('check', 'upf.txt', 'dflts.json', '--data-source', 'data', '--env', '2026-3'), {
    status: 2,
    stderr: /2026-3/,
  })
  t.notOk(fs.existsSync(join(cwd, 'out')))
  const other = upfHeds(['local', ...RUN], cwd, { ENV: '/usr/share/modules/init/profile.sh' })
  t.equal(other.status, 0, 'the variable ENV is that of shells')
})

t.test('a job: every node unpacks the image, its ranks start from there', async t => {
  const { cwd, env, exp } = place(t)
  fs.mkdirSync(join(cwd, 'pbs'))
  const path = `${resolve('test/e2e/pbs')}${delimiter}${process.env['PATH']}`
  const call = (...args: string[]) =>
    upfHeds(args, cwd, { ...env, PATH: path, FAKE_PBS: join(cwd, 'pbs') })
  const site = { extends: 'polaris', PROJECT: 'UPF', ENV: '2026-1', PROCS: 3, PPN: 2 }
  fs.writeFileSync(join(cwd, 'site.json'), JSON.stringify(site))
  const submitted = call('site.json', ...RUN, '--lease', '0.5,2,4')
  t.equal(submitted.status, 0, submitted.stderr)
  t.equal(call('wait', 'EXP001', '--every', '1').status, 0)
  t.strictSame(invariants(exp).problems, [])
  const node = join(cwd, 'tmp', `env-${digests[0]!.slice(0, 16)}`)
  t.strictSame(howEntered(exp, cwd), ['is', 'is', 'unpacked'])
  t.equal(spawnSync(join(node, 'bin/hello'), { encoding: 'utf8' }).stdout, '2026-1\n')
})

t.test('a real Slurm: one of the ranks of a host unpacks the image, all start from it', async t => {
  const { cwd, env, exp } = place(t)
  const cluster = await startSlurm('one host')
  t.teardown(() => cluster.down())
  if (cluster.missing !== undefined) {
    t.pass('left out', { skip: `no Slurm here: ${cluster.missing}` })
    return
  }
  const call = (...args: string[]) => upfHeds(args, cwd, { ...env, ...cluster.env })
  const flags = ['--env', '2026-1', '--procs', '3', '--ppn', '1', '--walltime', '5:00']
  const submitted = call('slurm', ...RUN, ...flags, '--lease', '0.5,2,4')
  t.equal(submitted.status, 0, submitted.stderr)
  t.equal(call('wait', 'EXP001', '--every', '1').status, 0)
  t.strictSame(invariants(exp).problems, [])
  t.strictSame(howEntered(exp, cwd), ['is', 'is', 'unpacked'])
})

t.test('a job whose node cannot have the image ends with a line that says why', async t => {
  const { cwd, env, exp } = place(t)
  fs.mkdirSync(join(cwd, 'pbs'))
  fs.writeFileSync(join(cwd, 'tmp'), 'a file in the way')
  const path = `${resolve('test/e2e/pbs')}${delimiter}${process.env['PATH']}`
  const call = (...args: string[]) =>
    upfHeds(args, cwd, { ...env, PATH: path, FAKE_PBS: join(cwd, 'pbs') })
  const flags = ['--project', 'UPF', '--env', '2026-1', '--procs', '3', '--ppn', '2']
  t.equal(call('polaris', ...RUN, ...flags).status, 0)
  t.equal(call('wait', 'EXP001', '--every', '1').status, 6)
  const id = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim()
  t.equal(fs.readFileSync(join(cwd, 'pbs', `${id}.rc`), 'utf8').trim(), '6')
  const said = fs.readFileSync(join(cwd, 'pbs', `${id}.out`), 'utf8')
  t.match(
    said,
    /rank 0 on \S+ cannot start: .*\/tmp: is not a directory, want a directory of this user/,
  )
})
