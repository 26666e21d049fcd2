import { open, type FileHandle } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openJournal } from '../../src/engine/journal.js'
import { readJournal, type JournalRecord } from '../../src/experiment/journal.js'

const record = (n: number): JournalRecord => ({ type: 'stopped', reason: `reason ${n}` })

/** Have `instead` done where a file, not a directory, is synced, until the test ends. */
async function onSync(
  t: Test,
  instead: (real: () => Promise<void>, file: FileHandle) => Promise<void>,
) {
  const probe = await open(t.testdirName, 'r')
  const prototype = Object.getPrototypeOf(probe) as FileHandle
  await probe.close()
  for (const name of ['datasync', 'sync'] as const) {
    const real = Reflect.get(prototype, name)
    t.intercept(prototype, name, {
      async value(this: FileHandle) {
        if ((await this.stat()).isDirectory()) await real.call(this)
        else await instead(() => real.call(this), this)
      },
    })
  }
}

t.test('a record is durable only when it is written and synced', async t => {
  const journal = await openJournal(join(t.testdir(), 'journal'))
  const log: string[] = []
  await onSync(t, async (real, file) => {
    const { size } = await file.stat()
    log.push(size > 0 ? 'written' : 'nothing written')
    await real()
    for (let n = 0; n < 10; n++) await turn() // whoever does not wait for us is ahead by now
    log.push('synced')
  })
  await journal.append(record(1)).then(() => log.push('durable'))
  t.strictSame(log, ['written', 'synced', 'durable'])
  await journal.close()
})

t.test('records that come together share one sync', async t => {
  const journal = await openJournal(join(t.testdir(), 'journal'))
  let syncs = 0
  await onSync(t, async real => {
    syncs++
    await real()
  })
  await Promise.all(Array.from({ length: 100 }, (_, n) => journal.append(record(n))))
  t.equal(syncs, 1)
  await journal.close()
})

t.test('a record that could not be synced is written again before it is durable', async t => {
  const directory = join(t.testdir(), 'journal')
  const log: string[] = []
  const journal = await openJournal(directory, () => log.push('fault told'))
  await onSync(t, async real => {
    if (log.length === 0) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    await real()
    log.push('synced')
  })
  await journal.append(record(1)).then(() => log.push('durable'))
  t.strictSame(log, ['fault told', 'synced', 'durable'])
  await journal.append(record(2))
  await journal.close()
  const { records, damaged } = readJournal(directory)
  t.equal(damaged, 0)
  t.strictSame(records.slice(-2), [record(1), record(2)])
})

t.test('nothing is settled before what was appended is durable', async t => {
  const journal = await openJournal(join(t.testdir(), 'journal'))
  const log: string[] = []
  await journal.settled().then(() => log.push('nothing to wait for'))
  await onSync(t, async real => {
    await real()
    log.push('synced')
  })
  void journal.append(record(1))
  await journal.settled().then(() => log.push('settled'))
  t.strictSame(log.slice(0, 2), ['nothing to wait for', 'synced'])
  t.equal(log.at(-1), 'settled')
  await journal.close()
})

t.test('a record that was given up comes with the next one', async t => {
  const directory = join(t.testdir(), 'journal')
  const journal = await openJournal(directory)
  let isBad = true
  await onSync(t, async real => {
    if (isBad) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    await real()
  })
  await t.rejects(journal.append(record(1)), { code: 'EIO' })
  isBad = false
  await journal.settled()
  await journal.append(record(2))
  await journal.close()
  t.strictSame(readJournal(directory).records.slice(-2), [record(1), record(2)])
})
