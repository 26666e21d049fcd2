import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  awaitRendezvous,
  makeKeys,
  readKeys,
  writeRendezvous,
} from '../../src/engine/rendezvous.js'

t.test(
  'keys are made once, private, and there before the rendezvous that leads to them',
  async t => {
    const engine = t.testdir()
    await t.rejects(readKeys(engine), { code: 'ENOENT' }, 'an agent never makes them')
    const keys = makeKeys(engine)
    t.strictSame(makeKeys(engine), keys, 'kept over restarts of the leader')
    t.strictSame(await readKeys(engine), keys)
    t.equal(fs.statSync(join(engine, 'keys.json')).mode & 0o777, 0o600)
  },
)

t.test('keys that a full disk cut are made anew', async t => {
  const engine = t.testdir()
  for (const text of ['', '{}', '{"server":{"publicKey":"x"}}', 'null']) {
    fs.writeFileSync(join(engine, 'keys.json'), text)
    const keys = makeKeys(engine)
    t.strictSame(await readKeys(engine), keys, text)
  }
})

t.test('an agent waits for a leader of its epoch, not for an earlier one', async t => {
  const engine = t.testdir()
  await writeRendezvous(engine, {
    addresses: ['tcp://127.0.0.1:1'],
    epoch: 1,
    status: { host: 'h', path: '' },
  })
  let found = false
  const waiting = awaitRendezvous(engine, 2).then(r => {
    found = true
    return r
  })
  t.match(await awaitRendezvous(engine, 1), { epoch: 1 })
  t.notOk(found)
  await writeRendezvous(engine, {
    addresses: ['tcp://127.0.0.1:2'],
    epoch: 2,
    status: { host: 'h', path: '' },
  })
  t.match(await waiting, { epoch: 2, addresses: ['tcp://127.0.0.1:2'] })
})
