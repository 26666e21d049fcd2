import * as fs from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { LIST_NAME } from '../../src/runtime/contents.js'
import { unpackImage } from '../../src/runtime/unpack.js'
import { faultOf } from '../../src/runtime/verify.js'
import { forge, pack, portrait, run } from './store-rig.js'

/** What environments have: links of every kind, modes, long and strange names, empty folders, hard links. */
function odd(t: Test): string {
  const folder = t.testdir({ bin: { tool: '#!/bin/sh\necho hi\n' }, empty: {}, lib: { a: 'a' } })
  const deep = join(folder, ...Array.from({ length: 9 }, (_, i) => `${i}`.repeat(100)))
  fs.mkdirSync(deep, { recursive: true })
  fs.writeFileSync(join(deep, 'n'.repeat(200)), 'far down')
  fs.chmodSync(join(folder, 'bin/tool'), 0o755)
  fs.writeFileSync(join(folder, 'lib/secret'), 'x', { mode: 0o600 })
  fs.linkSync(join(folder, 'lib/a'), join(folder, 'bin/a'))
  fs.symlinkSync('../lib/a', join(folder, 'bin/to-a'))
  fs.symlinkSync('/etc/hosts', join(folder, 'bin/hosts'))
  fs.symlinkSync('nowhere', join(folder, 'dangling'))
  fs.symlinkSync('lib', join(folder, 'lib64'))
  fs.writeFileSync(Buffer.from(`${folder}/lib/caf\xe9 \n'"$x`, 'latin1'), 'latin 1, a line end')
  fs.writeFileSync(join(folder, '-rf'), 'no option')
  fs.writeFileSync(join(folder, 'lib/nothing'), '')
  fs.utimesSync(join(folder, 'lib/a'), 1.5e9, 1.5e9)
  fs.chmodSync(join(folder, 'empty'), 0o555)
  return folder
}

t.test('a folder comes out of its image as it went in', async t => {
  const source = odd(t)
  const dir = `${source}-images`
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
  const { facts, file, again } = await pack(dir, source)
  t.match(facts, { folders: 3 + 9, links: 4, runtime: false, bin: true, python: '' })
  t.equal(fs.statSync(file).mode & 0o777, 0o444, 'nobody changes it by mistake')
  t.notOk(again)
  t.ok((await pack(dir, source)).again, 'equal contents make the same image')
  t.equal(fs.readdirSync(join(dir, 'images')).length, 3, 'nothing is left of the second')
  t.equal(await faultOf(dir, facts), undefined)

  const tmp = join(dir, 'tmp')
  const { path, how } = await unpackImage(file, tmp)
  t.equal(how, 'unpacked')
  t.strictSame(portrait(path, [LIST_NAME]), portrait(source))
  t.equal(fs.statSync(path).mode & 0o777, 0o700)
  t.strictSame(await unpackImage(file, tmp), { path, how: 'found' })

  const repacked = await pack(dir, path)
  t.equal(repacked.facts.files, facts.files, 'the list of files is not packed with them')
})

/** What lies in a node-local folder, but for who uses it. */
function trees(tmpRoot: string): string[] {
  return fs.readdirSync(tmpRoot).filter(name => name !== 'users')
}

t.test('an unpacked image is used again only as it was', async t => {
  const cwd = t.testdir({ source: { a: 'aaa', b: { c: 'ccc' } } })
  const { file } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  const { path } = await unpackImage(file, join(cwd, 'tmp'))
  fs.mkdirSync(join(path, '__pycache__')) // what a program adds does no harm
  t.match(await unpackImage(file, join(cwd, 'tmp')), { how: 'found' })
  for (const spoil of [
    () => fs.rmSync(join(path, 'a')),
    () => fs.truncateSync(join(path, 'b/c'), 1),
    () => fs.rmSync(join(path, LIST_NAME)),
    () => {
      fs.rmSync(join(path, 'b'), { recursive: true })
      fs.symlinkSync('/etc', join(path, 'b'))
    },
  ]) {
    spoil()
    t.match(await unpackImage(file, join(cwd, 'tmp')), { how: 'unpacked' }, spoil.toString())
    t.strictSame(portrait(path, [LIST_NAME]), portrait(join(cwd, 'source')))
  }
  t.strictSame(trees(join(cwd, 'tmp')), [path.split('/').at(-1)], 'nothing else is left')
})

t.test('a copy that was sent to the node serves alone', async t => {
  const cwd = t.testdir({ source: { a: 'aaa' }, node: {} })
  const { file } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  for (const name of fs.readdirSync(join(cwd, 'images/images')))
    fs.renameSync(join(cwd, 'images/images', name), join(cwd, 'node', name))
  const copy = join(cwd, 'node', basename(file))
  t.match(await unpackImage(file, join(cwd, 'tmp'), { copy }), { how: 'unpacked' })
  fs.chmodSync(copy, 0o644)
  fs.writeFileSync(copy, 'other bytes')
  await t.rejects(unpackImage(file, join(cwd, 'tmp2'), { copy }), { kind: 'DATA', message: copy })
})

t.test('two who unpack at once: one tree, whole', async t => {
  const cwd = t.testdir({ source: Object.fromEntries('abcdefgh'.split('').map(n => [n, n])) })
  const { file } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  const both = await Promise.all([1, 2, 3].map(() => unpackImage(file, join(cwd, 'tmp'))))
  t.equal(new Set(both.map(({ path }) => path)).size, 1)
  t.strictSame(portrait(both[0]!.path, [LIST_NAME]), portrait(join(cwd, 'source')))
  t.equal(trees(join(cwd, 'tmp')).length, 1)
})

t.test('a damaged image is found, and nothing of it is published', async t => {
  const cwd = t.testdir({ source: { a: 'a'.repeat(5000), b: 'b' } })
  const { file, facts } = await pack(join(cwd, 'images'), join(cwd, 'source'))
  const whole = fs.readFileSync(file)
  const spoilt = (change: (bytes: Buffer) => Buffer) => {
    fs.chmodSync(file, 0o644)
    fs.writeFileSync(file, change(Buffer.from(whole)))
  }
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at]! ^= 1
    return bytes
  }
  for (const [what, change] of [
    ['a bit in a file', flip(2000)],
    ['a bit in a header', flip(3)],
    ['a cut', (bytes: Buffer) => bytes.subarray(0, 3000)],
    ['nothing in it', () => Buffer.alloc(0)],
    ['zeros at the end', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(512)])],
  ] as const) {
    spoilt(change)
    t.ok(await faultOf(join(cwd, 'images'), facts), `${what}: verify finds it`)
    await t.rejects(unpackImage(file, join(cwd, 'tmp')), { kind: 'DATA', message: file }, what)
    t.strictSame(fs.readdirSync(join(cwd, 'tmp')), [], `${what}: nothing is left`)
  }
  spoilt(bytes => bytes)
  t.equal(await faultOf(join(cwd, 'images'), facts), undefined)
  t.match(await unpackImage(file, join(cwd, 'tmp')), { how: 'unpacked' })
  const stranger = join(cwd, 'images/images/notes.tar')
  fs.writeFileSync(stranger, '')
  await t.rejects(unpackImage(stranger, join(cwd, 'tmp')), { kind: 'USAGE', message: /no image/ })
})

t.test('no entry of an image gets out of its folder', async t => {
  const cwd = t.testdir({
    victim: { kept: 'kept' },
    one: { way: t.fixture('symlink', '../victim') },
    abs: { way: '' },
    two: { way: { kept: 'overwritten', new: 'new' } },
    plain: { 'a file': 'x' },
  })
  fs.rmSync(join(cwd, 'abs/way'))
  fs.symlinkSync(join(cwd, 'victim'), join(cwd, 'abs/way'))
  const archive = join(cwd, 'archive.tar')
  const tar = (...args: string[]) => run(t, 'tar', '--force-local', '-f', archive, ...args)
  const rename = (to: string) => ['-P', `--transform=flags=rh;s,a file,${to},`]
  const plain = ['-C', join(cwd, 'plain')]
  const linked = (target: string) => () => {
    fs.linkSync(join(cwd, 'plain/a file'), join(cwd, 'plain/z'))
    tar('-c', ...plain, ...rename(target), 'a file', 'z')
    fs.rmSync(join(cwd, 'plain/z'))
  }
  for (const [what, make] of [
    ['an absolute name', () => tar('-c', ...plain, ...rename(`${cwd}/victim/new`), 'a file')],
    ['a name with ..', () => tar('-c', ...plain, ...rename('../../victim/new'), 'a file')],
    ['.. within', () => tar('-c', ...plain, ...rename('x/../../../victim/new'), 'a file')],
    ['a hard link to elsewhere', linked(`${cwd}/victim/kept`)],
    ['a hard link by ..', linked('../../victim/kept')],
    [
      'through a link',
      () => {
        tar('-c', '-C', join(cwd, 'one'), 'way')
        tar('-r', '-C', join(cwd, 'two'), 'way/kept', 'way/new')
      },
    ],
    [
      'through an absolute link',
      () => {
        tar('-c', '-C', join(cwd, 'abs'), 'way')
        tar('-r', '-C', join(cwd, 'two'), 'way/kept', 'way/new')
      },
    ],
    [
      'one name twice',
      () => {
        tar('-c', ...plain, 'a file')
        tar('-r', ...plain, 'a file')
      },
    ],
  ] as const) {
    fs.rmSync(archive, { force: true })
    make()
    const image = forge(join(cwd, 'images'), archive)
    await t.rejects(unpackImage(image, join(cwd, 'tmp')), { kind: 'DATA', message: image }, what)
    t.strictSame(fs.readdirSync(join(cwd, 'tmp')), [], `${what}: nothing is published`)
    t.strictSame(fs.readdirSync(join(cwd, 'victim')), ['kept'], what)
    t.equal(fs.readFileSync(join(cwd, 'victim/kept'), 'utf8'), 'kept', what)
  }
})
