import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stagePaths } from '../../src/stage/stage-paths.js'
import { upfHeds } from '../e2e/sweep.js'
import { staged, stageRanks } from './ranks.js'
import { listing, makeTree, privateFolder } from './trees.js'

/** Bytes of all files below. */
function sizeOf(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true })
    .map(name => fs.lstatSync(join(folder, name.toString())))
    .reduce((sum, s) => sum + (s.isFile() ? s.size : 0), 0)
}

t.test('four hosts have the same files; what is there is not sent again', async t => {
  const cwd = t.testdir({ data: {}, one: 'a file beside' })
  makeTree(join(cwd, 'data'))
  const want = listing(join(cwd, 'data'))
  const bytes = sizeOf(join(cwd, 'data')) + 13
  const agree = (t: { strictSame(a: unknown, b: unknown, c: string): unknown }) => {
    for (let n = 0; n < 4; n++) t.strictSame(listing(join(cwd, `n${n}/data`)), want, `host ${n}`)
  }

  const first = await staged(cwd, ['data', 'one'], 4)
  t.match(first.told, { bytes, read: bytes, nodes: 4, lacking: [] })
  t.strictSame(
    first.ends.map(e => [e.status, e.stderr]),
    Array(4).fill([0, '']),
  )
  agree(t)
  t.notOk(fs.existsSync(join(cwd, 'meet.json')), 'nobody can find the source any more')

  const again = await staged(cwd, ['data', 'one'], 4)
  t.match(again.told, { bytes, read: 0, sent: 0, nodes: 4 }, 'nothing is read, nothing sent')

  const flip = (file: string, keepTime: boolean) => {
    const { atime, mtime } = fs.statSync(file)
    const fd = fs.openSync(file, 'r+')
    fs.writeSync(fd, Buffer.from([fs.readFileSync(file)[77]! ^ 1]), 0, 1, 77)
    fs.closeSync(fd)
    if (keepTime) fs.utimesSync(file, atime, mtime)
  }
  flip(join(cwd, 'n2/data/more'), true)
  const mended = await staged(cwd, ['data', 'one'], 4)
  const more = fs.statSync(join(cwd, 'data/more')).size
  t.match(mended.told, { read: 0, nodes: 4 })
  t.ok(mended.told.sent <= more, 'that file alone is sent, from a disk where it is whole')
  agree(t)

  fs.writeFileSync(join(cwd, 'data/more'), 'something else')
  want.splice(0, want.length, ...listing(join(cwd, 'data')))
  const changed = await staged(cwd, ['data', 'one'], 4)
  t.match(changed.told, { read: 14, nodes: 4 }, 'only what has changed is read')
  agree(t)
})

t.test('a host that dies in the middle costs the others nothing', async t => {
  const cwd = t.testdir({ data: {} })
  makeTree(join(cwd, 'data'), 150 << 20)
  const { children, ended } = stageRanks(cwd, ['data'], 6, { args: ['--json'] })
  // some chunks have come, and are passed on (a link may be there before the file that it leads to)
  const part = () =>
    fs
      .readdirSync(join(cwd, 'n2'), { recursive: true, withFileTypes: true })
      .some(entry => /part-/.test(join(entry.parentPath, entry.name)) && entry.isFile())
  while (!fs.existsSync(join(cwd, 'n2')) || !part()) await new Promise(r => setTimeout(r, 2))
  children[2]!.kill('SIGKILL')
  const ends = await ended
  t.strictSame(
    ends.map(e => e.status),
    [5, 0, null, 0, 0, 0],
  )
  t.match(ends[0]!.stderr, /^upf-heds: host-2: was lost\n$/)
  const want = listing(join(cwd, 'data'))
  for (const n of [0, 1, 3, 4, 5]) t.strictSame(listing(join(cwd, `n${n}/data`)), want, `host ${n}`)
  const { read } = JSON.parse(ends[0]!.stdout) as { read: number }
  t.equal(read, sizeOf(join(cwd, 'data')), 'each byte was read once')

  const again = await staged(cwd, ['data'], 6)
  t.match(again.told, { read: 0, nodes: 6, lacking: [] })
  t.strictSame(listing(join(cwd, 'n2/data')), want, 'it is made good')
  t.strictSame(
    fs.readdirSync(join(cwd, 'n2/.upf-heds-stage')),
    ['files.json'],
    'half files are gone',
  )
})

t.test('one rank alone copies', async t => {
  const cwd = t.testdir({ data: {} })
  makeTree(join(cwd, 'data'), 1000)
  const { status, stdout } = upfHeds(['stage', 'data', 'there'], cwd)
  t.equal(status, 0)
  t.match(stdout, /^there: 2\.2 MB in \d+ files on 1 node/)
  t.strictSame(listing(join(cwd, 'there/data')), listing(join(cwd, 'data')))
  t.match(upfHeds(['stage', 'data', 'there'], cwd).stdout, /was there already/)
})

t.test('what cannot be staged is told in one line', async t => {
  const cwd = t.testdir({ data: { file: 'text' }, other: {}, open: {} })
  fs.mkdirSync(join(cwd, 'out'))
  fs.symlinkSync('../../etc/passwd', join(cwd, 'out/link'))
  fs.symlinkSync('other', join(cwd, 'linked'))
  fs.chmodSync(join(cwd, 'open'), 0o777)
  fs.mkdirSync(join(cwd, 'pipe'))
  spawnSync('mkfifo', [join(cwd, 'pipe/fifo')])
  privateFolder(join(cwd, 'taken/data'))
  fs.chmodSync(join(cwd, 'taken'), 0o700)
  fs.writeFileSync(join(cwd, 'taken/data/file'), 'not ours')
  const told = (args: string[], line: RegExp, status = 2) => {
    const ended = upfHeds(['stage', ...args], cwd)
    t.equal(ended.status, status, args.join(' '))
    t.match(ended.stderr, line)
    t.match(ended.stderr, /^upf-heds: .*\n(hint: .*\n)?$/, 'one line, and what to do')
  }
  told(['data'], /data alone, want what to stage and where to/)
  told(['nothing', 'n0'], /nothing: no such file/)
  told(['data', 'linked'], /linked: is a symbolic link/)
  told(['data', 'open'], /open: has mode 777, want a directory of this user with mode 700/)
  told(['data', 'taken'], /taken\/data\/file: something else is in the way/)
  t.equal(fs.readFileSync(join(cwd, 'taken/data/file'), 'utf8'), 'not ours')
  told(['out', 'n0'], /out\/link: is a link to .*passwd, which leads out/)
  told(['pipe', 'n0'], /pipe\/fifo: is neither a file nor a folder/)
  told(['data', join('data', '..', 'data'), 'n0'], /have the same name, data/)
  told(['data', 'data/inside'], /is, or holds, what it shall be staged to/)
  told(['data', 'n0', '--rank', '3', '--size', '2'], /rank 3 of 2 ranks/)
  told(['data', 'n0', '--rank', '0'], /does not tell how many ranks/, 4)
  told(['data', 'n1', '--rank', '1', '--size', '2', '--wait', '1'], /is not there, after 1 s/, 4)
  told(['data', 'n0', '--rank', '0', '--size', '2', '--wait', '1'], /1 of 2 ranks have not come/, 4)
})

t.test('one that is refused leaves nothing open', async t => {
  const cwd = t.testdir({ data: { file: 'text' } })
  privateFolder(join(cwd, 'taken/data'))
  fs.chmodSync(join(cwd, 'taken'), 0o700)
  fs.writeFileSync(join(cwd, 'taken/data/file'), 'not ours')
  const nothing = async () => undefined
  await t.rejects(
    stagePaths({
      ...{ paths: [join(cwd, 'data')], destination: join(cwd, 'taken') },
      ...{ verify: false, remove: false, others: 0, host: 'here', patience: 1 },
      ...{ secret: Buffer.alloc(32), onListening: nothing, onGathered: nothing },
      onProgress: () => undefined,
    }),
    { message: /taken\/data\/file: something else is in the way/ },
  )
  const open = fs.readdirSync('/proc/self/fd').flatMap(fd => {
    const path = `/proc/self/fd/${fd}`
    return fs.existsSync(path) ? fs.readlinkSync(path) : []
  })
  t.same(
    open.filter(path => path.startsWith(cwd)),
    [],
  )
})

t.test('a staged file that was replaced by a link is not written through', async t => {
  const cwd = t.testdir({ data: { file: 'text' }, victim: 'precious' })
  t.equal(upfHeds(['stage', 'data', 'n0'], cwd).status, 0)
  fs.rmSync(join(cwd, 'n0/data/file'))
  fs.symlinkSync('../../victim', join(cwd, 'n0/data/file'))
  t.equal(upfHeds(['stage', 'data', 'n0'], cwd).status, 0)
  t.equal(fs.readFileSync(join(cwd, 'victim'), 'utf8'), 'precious')
  t.equal(fs.readFileSync(join(cwd, 'n0/data/file'), 'utf8'), 'text')
  fs.renameSync(join(cwd, 'n0/data'), join(cwd, 'n0/was'))
  fs.mkdirSync(join(cwd, 'elsewhere'))
  fs.symlinkSync('../elsewhere', join(cwd, 'n0/data'))
  const { status, stderr } = upfHeds(['stage', 'data', 'n0'], cwd)
  t.equal(status, 2)
  t.match(stderr, /n0\/data: something else is in the way/)
  t.strictSame(fs.readdirSync(join(cwd, 'elsewhere')), [])
})

t.test('a full disk is told before anything is sent; the other hosts have it all', async t => {
  const cwd = t.testdir({ data: {}, small: {} })
  makeTree(join(cwd, 'data'))
  const small = join(cwd, 'small')
  const options = ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', small]
  const mounted = spawnSync('mount', options)
  if (mounted.status !== 0) {
    t.pass('left out', { skip: 'only root can mount a small disk' })
    return
  }
  const to = (rank: number) => (rank === 1 ? small : join(cwd, `n${rank}`))
  const ends = await stageRanks(cwd, ['data'], 3, { to }).ended
  const left = fs.readdirSync(small)
  spawnSync('umount', [small])
  t.strictSame(
    ends.map(e => e.status),
    [5, 2, 0],
  )
  t.match(ends[1]!.stderr, /small: has room for 4\.\d MB, want 1\d MB/)
  t.match(ends[0]!.stderr, /host-1: .*has room for/)
  t.strictSame(left, ['.upf-heds-stage'])
  t.strictSame(listing(join(cwd, 'n2/data')), listing(join(cwd, 'data')))
})
