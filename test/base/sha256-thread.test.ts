import { randomBytes } from 'node:crypto'
import t from 'tap'
import { sha256 } from '../../src/base/digest.js'
import { sha256Thread } from '../../src/base/sha256-thread.js'

t.test('the digest of pieces in their order, wherever they lie', async t => {
  const data = randomBytes(3000)
  const memory = new SharedArrayBuffer(2048)
  const bytes = Buffer.from(memory)
  const hash = sha256Thread(memory)
  data.copy(bytes, 1024, 0, 1000)
  data.copy(bytes, 0, 1000, 2000)
  await Promise.all([hash.add(1024, 1000), hash.add(0, 1000)])
  data.copy(bytes, 5, 2000, 3000) // what was added before is no longer needed
  await hash.add(5, 1000)
  t.equal(await hash.digest(), sha256(data))
})

t.test('one that was closed says so', async t => {
  const hash = sha256Thread(new SharedArrayBuffer(8))
  const asked = hash.add(0, 8)
  hash.close()
  await asked.catch(() => undefined)
  await t.rejects(hash.digest(), { message: 'the thread of the digest has ended' })
})
