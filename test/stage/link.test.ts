import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { listen } from '../../src/stage/connect.js'
import { Link } from '../../src/stage/link.js'
import { Pieces } from '../../src/stage/pieces.js'
import { openRoot } from '../../src/stage/root.js'
import { Store } from '../../src/stage/store.js'
import { tagOf } from '../../src/stage/tags.js'
import type { Channel } from '../../src/stage/wire.js'
import { privateFolder } from './trees.js'

const SECRET = randomBytes(32)
const KEY = randomBytes(32)
const TEXT = Buffer.from('what the file shall hold')

/** A child of a parent that answers as told. */
async function child(t: Tap, answer: (channel: Channel) => void) {
  const folder = privateFolder(join(t.testdir(), 'n'))
  const root = await openRoot(folder)
  const pieces = new Pieces()
  const entry = { path: 'file', kind: 'file', size: TEXT.length, mode: 0o600, mtime: 0 } as const
  const store = new Store(root, { key: KEY.toString('hex'), entries: [entry] }, [0], pieces)
  await store.begin()
  const { server, port } = await listen('127.0.0.1', SECRET, pieces, channel =>
    channel.listen({ onMessage: () => answer(channel), onClose: () => undefined }),
  )
  t.teardown(async () => {
    server.close()
    await root.close()
  })
  const parent = { id: 1, stripe: 0, addresses: ['127.0.0.1'], port }
  return { folder, store, pieces, parent, port }
}

interface Tap {
  testdir(): string
  teardown(end: () => Promise<void>): unknown
}

function chunk(channel: Channel, bytes: Buffer, tag: Buffer): void {
  const tags = tag.toString('base64')
  void channel.send({ type: 'chunk', chunk: 0, which: [0], tags, bytes: bytes.length }, [bytes])
}

/** What becomes of it. */
function run(link: (events: ConstructorParameters<typeof Link>[2]) => Link, pieces: Pieces) {
  return new Promise<string>((resolve, reject) => {
    const made = link({
      onWritten: () => {
        resolve('written')
        made.close()
      },
      onTrouble: (_, why) => resolve(why),
      onFault: reject,
    })
    void made.run(SECRET, pieces, () => 0, undefined)
  })
}

t.test('a sound chunk is written', async t => {
  const it = await child(t, channel => chunk(channel, TEXT, tagOf(KEY, TEXT)))
  t.equal(await run(events => new Link(it.parent, it.store, events), it.pieces), 'written')
  t.strictSame(fs.readFileSync(join(it.folder, 'file')), TEXT)
})

t.test('a damaged chunk is not written, and another parent is asked for', async t => {
  const damaged = Buffer.from(TEXT)
  damaged[3]! ^= 1
  const it = await child(t, channel => chunk(channel, damaged, tagOf(KEY, TEXT)))
  const why = await run(events => new Link(it.parent, it.store, events), it.pieces)
  t.match(why, /chunk 0 came damaged/)
  t.notOk(fs.existsSync(join(it.folder, 'file')))
  t.notOk(it.store.has(0))
})

t.test('a chunk that is not asked for, too short, or of no file ends the connection', async t => {
  for (const message of [
    { type: 'chunk', chunk: 7, which: [0], tags: '', bytes: 4 },
    { type: 'chunk', chunk: 0, which: [5], tags: '', bytes: 4 },
    { type: 'chunk', chunk: 0, which: [0], tags: '', bytes: 4 },
    { type: 'chunk', chunk: 0, which: [0], tags: '', bytes: 1 << 30 },
    { type: 'other' },
  ]) {
    const payload = message.bytes === 4 ? [Buffer.alloc(4)] : []
    const it = await child(t, channel => void channel.send(message, payload))
    const why = await run(events => new Link(it.parent, it.store, events), it.pieces)
    t.match(why, /not understood|not a message/, JSON.stringify(message))
    t.notOk(it.store.has(0))
  }
})

t.test('strangers on the port are dropped', async t => {
  const it = await child(t, () => t.fail('a stranger came in'))
  for (const words of ['GET / HTTP/1.1\r\n\r\n'.repeat(5), randomBytes(5000)]) {
    const socket = connect(it.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(words)
    await new Promise(resolve => socket.on('close', resolve))
  }
  t.pass('both were')
})
