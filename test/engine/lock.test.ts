import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { HedError } from '../../src/base/errors.js'
import { readIfThere } from '../../src/base/files.js'
import { acquireLock } from '../../src/engine/lock.js'

const quiet = () => undefined

t.test('one leader an EXP: a second is refused while the first lives', async t => {
  const engine = t.testdir()
  const first = await acquireLock(engine, quiet)
  await t.rejects(acquireLock(engine, quiet), {
    name: 'HedError',
    kind: 'USAGE',
    message: new RegExp(`process ${process.pid} on`),
  })
  t.equal(await first.beat(), true)
  first.release()
  t.notOk(existsSync(join(engine, 'lock')))
  const second = await acquireLock(engine, quiet)
  t.ok(second.epoch > first.epoch, 'the epoch grows')
  second.release()
})

t.test('the lock of a process that is gone is taken over at once', async t => {
  const engine = t.testdir()
  const { pid } = spawnSync(process.execPath, ['-e', '0'])
  const boot = (readIfThere('/proc/sys/kernel/random/boot_id') ?? '').trim()
  mkdirSync(join(engine, 'lock'))
  const holder = { host: hostname(), boot, pid, start: '1', counter: 0 }
  writeFileSync(join(engine, 'lock', 'holder.json'), JSON.stringify(holder))
  const waits: string[] = []
  const lock = await acquireLock(engine, text => waits.push(text))
  t.strictSame(waits, [], 'no waiting')
  lock.release()
})

t.test('a living leader elsewhere is seen by its counter', async t => {
  const engine = t.testdir()
  const file = join(engine, 'lock', 'holder.json')
  mkdirSync(join(engine, 'lock'))
  const holder = { host: 'elsewhere', boot: 'b', pid: 1, start: '1', counter: 0 }
  writeFileSync(file, JSON.stringify(holder))
  const beats = setInterval(() => {
    holder.counter++
    writeFileSync(file, JSON.stringify(holder))
  }, 100)
  await t.rejects(acquireLock(engine, quiet), HedError)
  clearInterval(beats)
})

t.test(
  'a leader that was taken over, or whose EXP is gone, learns it at its next beat',
  async t => {
    const engine = t.testdir()
    const file = join(engine, 'lock', 'holder.json')
    const lock = await acquireLock(engine, quiet)
    const other = JSON.stringify({ host: 'elsewhere', boot: 'b', pid: 1, start: '1', counter: 0 })
    writeFileSync(file, other)
    t.equal(await lock.beat(), false)
    t.equal(readIfThere(file), other, 'and leaves it alone')
    rmSync(join(engine, 'lock'), { recursive: true })
    t.equal(await lock.beat(), false)
  },
)
