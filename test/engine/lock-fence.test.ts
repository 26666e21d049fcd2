import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { acquireLock } from '../../src/engine/lock.js'

const quiet = () => undefined
const holderOf = (engine: string) => join(engine, 'lock', 'holder.json')

/** The holder file that this process writes. */
async function mine(engine: string): Promise<Record<string, unknown>> {
  const lock = await acquireLock(engine, quiet)
  const holder = JSON.parse(fs.readFileSync(holderOf(engine), 'utf8'))
  lock.release()
  return holder
}

/** Another process's view of the file system, until the test ends. */
function pretend(t: Test, changed: Partial<typeof fs>): void {
  const real = { ...fs }
  Object.assign(fs, changed)
  syncBuiltinESMExports()
  t.teardown(() => {
    for (const name of Object.keys(changed)) Reflect.set(fs, name, Reflect.get(real, name))
    syncBuiltinESMExports()
  })
}

for (const [what, other] of [
  ['a reused pid', { start: '1' }],
  ['a pid of an earlier boot', { boot: 'earlier' }],
] as const)
  t.test(`${what} is no living leader`, async t => {
    const engine = t.testdir()
    const holder = { ...(await mine(engine)), ...other }
    fs.mkdirSync(join(engine, 'lock'))
    fs.writeFileSync(holderOf(engine), JSON.stringify(holder))
    const waits: string[] = []
    const lock = await acquireLock(engine, text => waits.push(text))
    t.strictSame(waits, [], 'taken over at once')
    lock.release()
  })

t.test('an epoch is had once, also by one who did not see the last leader take it', async t => {
  const engine = t.testdir({ epochs: { 1: '', 2: '' } })
  const { readdirSync } = fs
  const stale = ((path: string, options?: never) =>
    path.endsWith('epochs') ? [] : readdirSync(path, options)) as typeof fs.readdirSync
  pretend(t, { readdirSync: stale })
  const lock = await acquireLock(engine, quiet)
  t.equal(lock.epoch, 3)
  lock.release()
})

t.test('a lock that changed hands since it was judged dead is not taken away', async t => {
  const engine = t.testdir()
  const living = await mine(engine)
  fs.mkdirSync(join(engine, 'lock'))
  fs.writeFileSync(holderOf(engine), JSON.stringify({ ...living, start: '1' }))
  const { readFileSync } = fs
  let reads = 0
  const changing = ((path: string, options?: never) => {
    if (path === holderOf(engine) && ++reads === 2) fs.writeFileSync(path, JSON.stringify(living)) // another was quicker
    return readFileSync(path, options)
  }) as typeof fs.readFileSync
  pretend(t, { readFileSync: changing })
  await t.rejects(acquireLock(engine, quiet), { name: 'HedError', kind: 'USAGE' })
  t.strictSame(JSON.parse(readFileSync(holderOf(engine), 'utf8')), living)
})

t.test('a leader that was taken over does not release the lock of the next', async t => {
  const engine = t.testdir()
  const lock = await acquireLock(engine, quiet)
  const holder = JSON.parse(fs.readFileSync(holderOf(engine), 'utf8'))
  fs.writeFileSync(holderOf(engine), JSON.stringify({ ...holder, host: 'elsewhere' }))
  lock.release()
  t.match(JSON.parse(fs.readFileSync(holderOf(engine), 'utf8')), { host: 'elsewhere' })
})

t.test('a lock that changes hands while it is taken away is put back', async t => {
  const engine = t.testdir()
  const living = await mine(engine)
  fs.mkdirSync(join(engine, 'lock'))
  fs.writeFileSync(holderOf(engine), JSON.stringify({ ...living, start: '1' }))
  const { renameSync } = fs
  let renames = 0
  const late: typeof fs.renameSync = (from, to) => {
    if (++renames === 1) fs.writeFileSync(holderOf(engine), JSON.stringify(living)) // another was quicker
    renameSync(from, to)
  }
  pretend(t, { renameSync: late })
  await t.rejects(acquireLock(engine, quiet), { name: 'HedError', kind: 'USAGE' })
  t.strictSame(JSON.parse(fs.readFileSync(holderOf(engine), 'utf8')), living)
})
