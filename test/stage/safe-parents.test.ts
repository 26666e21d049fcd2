import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeTmpRoot, requireTmpRoot } from '../../src/stage/node-local.js'
import { upfHeds } from '../e2e/sweep.js'

t.test('a TMP_ROOT that others could replace is refused, and not made', async t => {
  const cwd = t.testdir({ open: { below: {} }, own: {} })
  const tmp = join(cwd, 'open/below/tmp')
  const refused = async (message: RegExp, path = tmp) => {
    await t.rejects(requireTmpRoot(path), { kind: 'USAGE', message })
    await t.rejects(makeTmpRoot(path), { kind: 'USAGE', message })
    t.notOk(fs.existsSync(path))
  }
  fs.chmodSync(join(cwd, 'open'), 0o777)
  await refused(/below\/tmp: .*\/open above it has mode 777: others may replace/)
  fs.symlinkSync('open/below', join(cwd, 'link'))
  await refused(/link\/tmp: .*\/open above it has mode 777/, join(cwd, 'link/tmp'))
  fs.chmodSync(join(cwd, 'open'), 0o1777)
  await requireTmpRoot(tmp)
  await makeTmpRoot(tmp)
  t.equal(fs.statSync(tmp).mode & 0o777, 0o700)
})

t.test('so is one below a folder, or behind a link, of another user', async t => {
  if (process.getuid?.() !== 0) {
    t.pass('left out', { skip: 'only root can give folders away' })
    return
  }
  const cwd = t.testdir({ theirs: { below: {} }, own: {}, data: {} })
  fs.chownSync(join(cwd, 'theirs'), 12345, 12345)
  const theirs = join(cwd, 'theirs/below/tmp')
  await t.rejects(requireTmpRoot(theirs), { message: /theirs above it belongs to user 12345/ })
  fs.symlinkSync('own', join(cwd, 'link'))
  await requireTmpRoot(join(cwd, 'link/tmp'))
  fs.lchownSync(join(cwd, 'link'), 12345, 12345)
  await t.rejects(makeTmpRoot(join(cwd, 'link/tmp')), { message: /link above it belongs to user/ })
  t.strictSame(fs.readdirSync(join(cwd, 'own')), [])

  for (const [name, text] of [
    ['upf', '{"id":"R","index":0}'],
    ['dflts', '{"epochs":1}'],
  ])
    fs.writeFileSync(join(cwd, name!), text!)
  const args = ['local', 'upf', 'dflts', '--data-source', 'data', '--tmp-root', theirs]
  const { status, stderr } = upfHeds(args, cwd)
  t.equal(status, 2)
  t.match(stderr, /^upf-heds: .*theirs above it belongs to user 12345, .*\nhint: .*\n$/)
  t.notOk(fs.existsSync(join(cwd, 'out')), 'no EXP is made')
})
