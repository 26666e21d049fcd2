import * as fs from 'node:fs'
import fsDefault from 'node:fs'
import promises, { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readIfThere, readNamed, writeAtomic, writeAtomicSync } from '../../src/base/files.js'

/** Log each sync, with the bytes that were there by then, and each rename, until the test ends. */
async function watch(t: Test): Promise<string[]> {
  const log: string[] = []
  const size = (stat: fs.Stats) => (stat.isDirectory() ? 'directory' : `${stat.size} bytes`)
  const probe = await open(t.testdirName, 'r')
  const prototype = Object.getPrototypeOf(probe) as typeof probe
  await probe.close()
  t.intercept(prototype, 'sync', { value: logged(prototype, 'sync') })
  t.intercept(prototype, 'datasync', { value: logged(prototype, 'datasync') })
  function logged(of: typeof probe, name: 'sync' | 'datasync') {
    const real = Reflect.get(of, name)
    return async function (this: typeof probe) {
      const what = size(await this.stat())
      await real.call(this)
      log.push(`sync ${what}`)
    }
  }
  const { rename } = promises
  const { fsyncSync, renameSync } = fsDefault
  promises.rename = async (from, to) => {
    log.push('rename')
    await rename(from, to)
  }
  fsDefault.fsyncSync = fd => {
    fsyncSync(fd)
    log.push(`sync ${size(fs.fstatSync(fd))}`)
  }
  fsDefault.renameSync = (from, to) => {
    log.push('rename')
    renameSync(from, to)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    promises.rename = rename
    Object.assign(fsDefault, { fsyncSync, renameSync })
    syncBuiltinESMExports()
  })
  return log
}

t.test('the bytes are durable before the rename, the rename before it returns', async t => {
  const path = join(t.testdir({ file: 'old' }), 'file')
  const log = await watch(t)
  await writeAtomic(path, 'newer')
  t.strictSame(log, ['sync 5 bytes', 'rename', 'sync directory'])
  t.equal(fs.readFileSync(path, 'utf8'), 'newer')
})

t.test('so are those of the synchronous form before its rename', async t => {
  const path = join(t.testdir({ file: 'old' }), 'file')
  const log = await watch(t)
  writeAtomicSync(path, 'newer')
  t.strictSame(log.slice(0, 2), ['sync 5 bytes', 'rename'])
  t.equal(fs.readFileSync(path, 'utf8'), 'newer')
})

t.test('a write that fails leaves the old file and nothing beside it', async t => {
  const home = t.testdir({ target: { child: 'x' } }) // a file cannot take the place of this folder
  const target = join(home, 'target')
  await t.rejects(writeAtomic(target, 'new'))
  t.throws(() => writeAtomicSync(target, 'new'))
  t.strictSame(fs.readdirSync(home), ['target'])
  t.strictSame(fs.readdirSync(target), ['child'])
})

t.test('keys are private from their first byte', async t => {
  const home = t.testdir()
  await writeAtomic(join(home, 'a'), 'x', 0o600)
  writeAtomicSync(join(home, 'b'), 'x', 0o600)
  for (const name of ['a', 'b']) t.equal(fs.statSync(join(home, name)).mode & 0o777, 0o600)
})

t.test('a missing file is told from one that cannot be read', async t => {
  const home = t.testdir({ file: 'text' })
  t.equal(readIfThere(join(home, 'file')), 'text')
  t.equal(readIfThere(join(home, 'none')), undefined)
  t.equal(readIfThere(join(home, 'file', 'below')), undefined)
  t.throws(() => readIfThere(home), { code: 'EISDIR' })
  t.throws(() => readNamed(join(home, 'none'), 'UPF'), { kind: 'USAGE', message: /no such file/ })
  t.throws(() => readNamed(home, 'UPF'), { kind: 'USAGE', message: /is a directory/ })
})

t.test('text that is none, or too long for one, is told from a missing file', async t => {
  const latin = Buffer.from('{"id": "A"}\n\n{"id": "Wei\u00df"}\n', 'latin1')
  const home = t.testdir({ latin, cut: Buffer.from('{}\n\u00df').subarray(0, -1), long: '' })
  const file = (name: string) => join(home, name)
  const message = `${file('latin')}:3: is not in UTF-8, want a UPF that is`
  t.throws(() => readNamed(file('latin'), 'UPF'), { kind: 'USAGE', message })
  t.throws(() => readNamed(file('cut'), 'UPF'), {
    kind: 'USAGE',
    message: /cut:2: is not in UTF-8/,
  })
  fs.truncateSync(file('long'), 600e6)
  t.throws(() => readNamed(file('long'), 'UPF'), {
    kind: 'USAGE',
    message: /long: UPF cannot be read: is 600 MB long, want at most 512/,
  })
})
