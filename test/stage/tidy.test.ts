import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { ownMark, stateOf } from '../../src/base/mark.js'
import { tidyNode } from '../../src/stage/tidy.js'
import { touchTree, useTree } from '../../src/stage/users.js'

const DAY = 24 * 60 * 60 * 1000
const WEEK = Date.now() + 8 * DAY
const DATA = 'data-0123456789abcdef'
const ENV = 'env-fedcba9876543210'

/** Mark of another process, and what ends it. */
async function another(t: Test): Promise<{ mark: string; end: () => Promise<void> }> {
  const url = pathToFileURL(resolve('dist/src/base/mark.js')).href
  const text = `console.log((await import('${url}')).ownMark()); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', text])
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  t.teardown(end)
  return { mark: said.toString().trim(), end }
}

function root(t: Test, names: readonly string[]): string {
  const tmp = join(t.testdir({}), 'tmp')
  fs.mkdirSync(tmp, { mode: 0o700 })
  for (const name of names) {
    fs.mkdirSync(join(tmp, name), { recursive: true })
    fs.writeFileSync(join(tmp, name, 'file'), '')
  }
  return tmp
}

t.test('a mark tells a process from another one that has its number later', async t => {
  const { mark, end } = await another(t)
  t.equal(stateOf(ownMark()), 'lives')
  t.equal(stateOf(`EXP-${mark}-RUN000-1-1`), 'lives')
  const [pid, start, place, boot] = mark.split('-')
  t.equal(stateOf(`${pid}-${start}1-${place}-${boot}`), 'gone', 'the number was given out again')
  t.equal(stateOf(`${pid}-${start}-${place}-00000000`), 'gone', 'the node was started again')
  t.equal(stateOf(`${pid}-${start}-00000000-${boot}`), undefined, 'another host or container')
  t.equal(stateOf('notes.txt'), undefined)
  await end()
  t.equal(stateOf(mark), 'gone')
})

t.test('what processes that are gone have left is removed, all else stays', async t => {
  const dead = await another(t)
  await dead.end()
  const live = await another(t)
  const stranger = ownMark().replace(/-[0-9a-f]{8}-/, '-00000000-')
  const kept = [
    `EXP001-11111111/${live.mark}-R0-1-1`,
    `EXP002-22222222/${stranger}-R0-1-1`,
    `${DATA}.${live.mark}-aaaaaaaa`,
    `${DATA}.${stranger}-aaaaaaaa`,
    DATA,
    'mine',
    `mine.${dead.mark}-aaaaaaaa`,
  ]
  const gone = [
    `EXP001-11111111/${dead.mark}-R1-1-1`,
    `EXP003-33333333/${dead.mark}-R0-1-1`,
    `${DATA}.${dead.mark}-aaaaaaaa`,
    `${ENV}.${dead.mark}-aaaaaaaa-old`,
  ]
  const tmp = root(t, [...kept, ...gone])
  await tidyNode(tmp)
  for (const name of kept) t.ok(fs.existsSync(join(tmp, name, 'file')), `${name} stays`)
  for (const name of gone) t.notOk(fs.existsSync(join(tmp, name)), `${name} goes`)
  t.notOk(fs.existsSync(join(tmp, 'EXP003-33333333')), 'and its folder')
  await tidyNode(tmp, WEEK)
  t.notOk(fs.existsSync(join(tmp, kept[1]!)), 'of whom nothing is known: after a week')
  t.ok(fs.existsSync(join(tmp, kept[0]!)))
  t.ok(fs.existsSync(join(tmp, 'mine/file')), 'what is not ours never')
})

t.test('a tree that anybody uses stays, however old; others go after a week', async t => {
  const tmp = root(t, [DATA, ENV])
  const user = await another(t)
  const end = await useTree(tmp, DATA)
  fs.writeFileSync(join(tmp, 'users', DATA, user.mark), '')
  await touchTree(tmp, ENV)
  await tidyNode(tmp)
  t.ok(fs.existsSync(join(tmp, ENV)), 'used a moment ago')
  await tidyNode(tmp, WEEK)
  t.notOk(fs.existsSync(join(tmp, ENV)))
  t.ok(fs.existsSync(join(tmp, DATA)), 'two use it')
  end()
  await tidyNode(tmp, WEEK)
  t.ok(fs.existsSync(join(tmp, DATA)), 'the other one does')
  await user.end()
  await tidyNode(tmp)
  t.ok(
    fs.existsSync(join(tmp, DATA)),
    'used a moment ago: an executor that is started again finds it',
  )
  await tidyNode(tmp, WEEK)
  t.notOk(fs.existsSync(join(tmp, DATA)))
  t.strictSame(fs.readdirSync(tmp), ['users'])
})

t.test('links are not followed, nor is anything done where others may have been', async t => {
  const dead = await another(t)
  await dead.end()
  const tmp = root(t, ['EXP001-11111111'])
  const victim = join(t.testdirName, 'victim')
  fs.mkdirSync(victim)
  fs.writeFileSync(join(victim, 'file'), '')
  fs.symlinkSync(victim, join(tmp, `EXP001-11111111/${dead.mark}-R0-1-1`))
  fs.symlinkSync(victim, join(tmp, `${DATA}.${dead.mark}-aaaaaaaa`))
  fs.symlinkSync(victim, join(tmp, ENV))
  fs.mkdirSync(join(tmp, `${DATA}.${dead.mark}-bbbbbbbb`))
  fs.chmodSync(tmp, 0o755)
  await tidyNode(tmp, WEEK)
  t.equal(fs.readdirSync(tmp).length, 4, 'others may enter: nothing is touched')
  fs.chmodSync(tmp, 0o700)
  fs.symlinkSync(tmp, `${tmp}-link`)
  await tidyNode(`${tmp}-link`, WEEK)
  t.equal(fs.readdirSync(tmp).length, 4, 'nor through a link')
  await tidyNode(join(tmp, 'nowhere'))
  await tidyNode(tmp, WEEK)
  t.strictSame(fs.readdirSync(tmp), [], 'the links themselves went')
  t.strictSame(fs.readdirSync(victim), ['file'])
})

t.test('folders that may not be written are removed too', async t => {
  const dead = await another(t)
  await dead.end()
  const name = `${ENV}.${dead.mark}-aaaaaaaa`
  const tmp = root(t, [`${name}/closed`])
  fs.chmodSync(join(tmp, name, 'closed'), 0o555)
  // root may write anywhere: the rule is that of others
  const url = pathToFileURL(resolve('dist/src/stage/tidy.js')).href
  const isRoot = process.getuid?.() === 0
  if (isRoot) for (const path of ['', name, `${name}/closed`, `${name}/closed/file`]) nobody(path)
  function nobody(path: string) {
    fs.chownSync(join(tmp, path), 65534, 65534)
  }
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `await (await import('${url}')).tidyNode(process.argv[1])`, tmp],
    { stdio: 'inherit', ...(isRoot ? { uid: 65534, gid: 65534 } : {}) },
  )
  t.strictSame(await once(child, 'close'), [0, null])
  t.strictSame(fs.readdirSync(tmp), [])
})

t.test('ranks of a node that tidy at once are in nobody else’s way', async t => {
  const names = Array.from({ length: 100 }, (_, i) => `${DATA}.work-${i}`)
  const tmp = root(t, [...names, ...names.map(name => name.replace(DATA, ENV))])
  await Promise.all(Array.from({ length: 6 }, () => tidyNode(tmp, WEEK)))
  t.strictSame(fs.readdirSync(tmp), [])
})
