import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { slowFiles } from '../e2e/slow-sweep.js'
import { upfHeds } from '../e2e/sweep.js'

/** The commands of `env`, over images of small folders. */

const DAY = 24 * 60 * 60 * 1000

function place(t: Test) {
  const cwd = t.testdir({ ...slowFiles([{ id: 'R0' }]), one: { a: 'a' }, two: { b: 'b' } })
  const env = { UPF_HEDS_ENV_DIR: join(cwd, 'images'), TMP_ROOT: join(cwd, 'tmp') }
  const call = (...args: string[]) => upfHeds(args, cwd, env)
  const callWith = (more: NodeJS.ProcessEnv, ...args: string[]) =>
    upfHeds(args, cwd, { ...env, ...more })
  const create = (...args: string[]) => {
    const { status, stdout, stderr } = call('env', 'create', ...args, '--json')
    t.equal(status, 0, stderr)
    return JSON.parse(stdout) as { digest: string; image: string; again: boolean }
  }
  const list = () =>
    JSON.parse(call('env', 'list', '--json').stdout) as {
      digest: string
      names: string[]
      usedBy: string[]
    }[]
  /** As if it had been made so many days ago. */
  const age = (image: string, days: number) => {
    const file = image.replace(/\.tar$/, '.json')
    const facts = JSON.parse(fs.readFileSync(file, 'utf8')) as object
    const created = new Date(Date.now() - days * DAY).toISOString()
    fs.writeFileSync(file, JSON.stringify({ ...facts, created }))
  }
  const sweep = (...flags: string[]) => {
    const args = ['upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1', ...flags]
    const { status, stderr } = call('local', ...args)
    t.equal(status, 0, stderr)
  }
  return { cwd, call, callWith, create, list, age, sweep }
}

t.test('names stay, latest moves', async t => {
  const { cwd, call, create, list } = place(t)
  t.match(call('env', 'list').stdout, `${cwd}/images: no images`)
  const one = create('one', '--name', '2026-1', '--latest')
  const taken = call('env', 'create', 'two', '--name', '2026-1')
  t.match(taken, { status: 2, stderr: /2026-1 is the name of another image and never moved\nhint/ })
  t.equal(list().length, 1, 'it was not even packed')
  const two = create('two', '--latest')
  t.strictSame(
    list().map(({ digest, names }) => [digest, names.join()]),
    [
      [one.digest, '2026-1'],
      [two.digest, 'latest'],
    ],
  )
  t.equal(create('one', '--name', 'again').again, true)
  t.strictSame(list()[0]?.names, ['2026-1', 'again'])
  t.match(call('env', 'list').stdout, /^2026-1,again +[0-9a-f]{12} +1 MB +1 +\d{4}-\d\d-\d\d +- /m)
  t.equal(
    call('env', 'use', '2026-1').stdout,
    `export UPF_HEDS_ENV_DIR='${cwd}/images'\nexport UPF_HEDS_ENV='2026-1'\n`,
  )
  t.match(call('env', 'verify', `sha256:${two.digest.slice(0, 10)}`), { status: 0 })

  for (const [args, what] of [
    [['create', 'one', '--name', 'latest'], /--name is "latest", which moves/],
    [['create', 'one', '--name', '../x'], /--name is "\.\.\/x", want such as 2026-1/],
    [['create', 'one', '--name', 'none'], /--name is "none"/],
    [['create', ''], /FOLDER is ""/],
    [['create', 'nowhere'], /nowhere: no such folder/],
    [['create', 'upf.txt'], /upf.txt: is no folder/],
    [['create', 'data'], /data: is empty/],
    [['use', '2026-2'], /no image is called 2026-2, there are .*\nhint: Is 2026-1 meant/],
    [['verify', 'sha256:00000000'], /no image beginning with digest 00000000/],
    [['verify', 'sha256:12'], /"sha256:12" names no image/],
    [['gc', '--keep-days', 'x'], /--keep-days is NaN, want days ≥ 0/],
    [['gc', '--release', '2020-1'], /no image is called 2020-1/],
    [['gc', '--release', 'latest'], /--release is "latest"/],
    [['unpack', 'upf.txt', 'tmp'], /upf.txt: no image/],
  ] as const) {
    const { status, stdout, stderr } = call('env', ...args)
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: what })
    t.ok(stderr.trimEnd().split('\n').length <= 2, 'one line and a hint')
  }
  fs.chmodSync(two.image, 0o644)
  fs.appendFileSync(two.image, 'x')
  const damaged = call('env', 'verify', 'latest')
  t.match(damaged, { status: 3, stderr: `upf-heds: ${two.image}: has 10241 bytes, want 10240` })
  t.match(JSON.parse(call('env', 'verify', 'latest', '--json').stdout), { ok: false })
})

t.test('what cannot be packed is told, and leaves nothing', async t => {
  const { cwd, call } = place(t)
  t.equal(spawnSync('mkfifo', [join(cwd, 'one/pipe')]).status, 0)
  t.match(call('env', 'create', 'one'), {
    status: 2,
    stderr: /one\/pipe: want files, folders and links alone/,
  })
  t.match(call('env', 'create', 'two', '--env-dir', 'upf.txt'), {
    status: 2,
    stderr: /upf.txt\/images: no image can be kept here: ENOTDIR/,
  })
  t.notOk(fs.existsSync(join(cwd, 'images')))
  fs.mkdirSync(join(cwd, 'two/.upf-heds'))
  const both = call('env', 'create', 'two', '--runtime')
  t.match(both, { status: 2, stderr: /two: has a runtime in .upf-heds already/ })
})

t.test('gc takes what is old and needed by nobody, and nothing else', async t => {
  const { cwd, call, create, list, age, sweep } = place(t)
  const gc = (...args: string[]) => call('env', 'gc', ...args).stdout
  const one = create('one', '--name', 'held')
  const two = create('two')
  t.match(gc(), /stays: was made 0 days ago/)
  age(two.image, 31)
  age(one.image, 400)
  t.match(gc('--dry-run'), `${two.digest.slice(0, 12)} would be removed`)
  t.equal(list().length, 2)

  sweep('--env', `sha256:${two.digest}`)
  sweep('--env', 'held')
  t.strictSame(
    list()
      .map(({ usedBy }) => usedBy)
      .sort(),
    [[join(cwd, 'out/EXP001')], [join(cwd, 'out/EXP002')]],
  )
  t.match(gc('--keep-days', '0'), `stays: needed by ${cwd}/out/EXP001`)
  t.match(gc('--release', 'held'), `stays: needed by ${cwd}/out/EXP002`, 'also without its name')

  // where a whole folder is not to be seen, nothing is known of the EXPs in it
  fs.renameSync(join(cwd, 'out'), join(cwd, 'elsewhere'))
  t.match(gc('--keep-days', '0'), /stays: needed by/)
  fs.renameSync(join(cwd, 'elsewhere'), join(cwd, 'out'))
  // another EXP has the place of the one that is gone
  fs.rmSync(join(cwd, 'out/EXP001'), { recursive: true })
  fs.renameSync(join(cwd, 'out/EXP002'), join(cwd, 'out/EXP001'))
  t.match(call('resume', 'EXP001'), { status: 0 }, 'an EXP that was moved is found again')
  t.match(gc(), `${two.digest.slice(0, 12)} removed`)
  t.match(list(), [{ digest: one.digest, names: ['held'] }])
  t.match(gc('--release', 'held'), `stays: needed by ${cwd}/out/EXP001`)
  fs.rmSync(join(cwd, 'out/EXP001'), { recursive: true })
  t.match(gc(), /stays: has the name held/)
  t.match(gc('--release', 'held'), `${one.digest.slice(0, 12)} removed`)
  t.strictSame(list(), [])
  t.strictSame(fs.readdirSync(join(cwd, 'images/names')), [])
  t.strictSame(fs.readdirSync(join(cwd, 'images/images')), [])
  t.strictSame(fs.readdirSync(join(cwd, 'images/holds')), [])
})

t.test('a name whose image is gone is shown as damaged, and can be given up', async t => {
  const { call, create, list } = place(t)
  const one = create('one', '--name', '2026-1')
  create('two', '--name', '2026-2')
  fs.rmSync(one.image)
  const image = { names: ['2026-1'], digest: one.digest, damaged: true }
  t.match(list(), [{ names: ['2026-2'], damaged: false }, image])
  t.match(call('env', 'list').stdout, /^2026-1 +[0-9a-f]{12} +damaged: its file is gone/m)
  t.match(call('env', 'use', '2026-1'), { status: 2, stderr: /no image with digest/ })
  t.equal(call('env', 'gc', '--release', '2026-1').status, 0)
  t.match(list(), [{ names: ['2026-2'] }])
})

t.test('an image that cannot be read is one line, and nothing waits for it', async t => {
  const { cwd, call, create } = place(t)
  const { image } = create('one')
  const unpack = () => call('env', 'unpack', image, 'tmp')
  fs.rmSync(image)
  t.match(unpack(), { status: 3, stderr: /^[^\n]*\.tar: cannot be read: ENOENT\nhint: [^\n]*\n$/ })
  fs.mkdirSync(image)
  t.match(unpack(), { status: 3, stderr: /^[^\n]*\.tar: cannot be read: EISDIR\nhint: [^\n]*\n$/ })
  t.notOk(fs.existsSync(join(cwd, 'tmp', `env-${image.slice(-68, -52)}`)))
})

t.test('a tar that ends at once has the last word, however fast it is', async t => {
  const { cwd, callWith, create } = place(t)
  const { image } = create('one')
  const real = spawnSync('which', ['tar'], { encoding: 'utf8' }).stdout.trim()
  fs.mkdirSync(join(cwd, 'bin'))
  const script = `#!/bin/sh\n[ "$1" = --version ] && exec ${real} --version\necho boom >&2; exit 2\n`
  fs.writeFileSync(join(cwd, 'bin/tar'), script, { mode: 0o755 })
  const path = { PATH: `${cwd}/bin:${process.env['PATH']}` }
  for (let n = 0; n < 6; n++)
    t.match(callWith(path, 'env', 'unpack', image, 'tmp'), { status: 3, stderr: /: boom\nhint/ })
})

t.test('a place where no folder can be made is told at once', async t => {
  const { call } = place(t)
  const told = (stderr: RegExp, ...args: string[]) => t.match(call(...args), { status: 2, stderr })
  told(
    /\/proc\/x\/images: no image can be kept here: ENOENT\nhint/,
    'env',
    'create',
    'one',
    '--env-dir',
    '/proc/x',
  )
  told(/\/proc\/x: cannot be made: ENOENT\nhint/, 'stage', 'one', '/proc/x')
  const sweep = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data']
  told(/\/proc\/x\/y: .*ENOENT/, ...sweep, '--candle-data-dir', '/proc/x/y')
})
