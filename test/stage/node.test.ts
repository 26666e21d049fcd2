import { join } from 'node:path'
import t from 'tap'
import { serveFolder } from '../../src/stage/broadcast.js'
import { dial, listen } from '../../src/stage/connect.js'
import { joinStaging } from '../../src/stage/node.js'
import { Pieces } from '../../src/stage/pieces.js'
import { openRoot } from '../../src/stage/root.js'
import { privateFolder } from './trees.js'

const SECRET = 'a secret of this test'
const ADDRESSES = ['127.0.0.1']

t.test('a node that looks what it has says that it lives: that may take long', async t => {
  const root = await openRoot(privateFolder(join(t.testdir(), 'n')))
  const pieces = new Pieces()
  const secret = Buffer.from(SECRET)
  let lives!: () => void
  const heard = new Promise<void>(resolve => (lives = resolve))
  const { server, port } = await listen('127.0.0.1', secret, pieces, channel =>
    channel.listen({
      onMessage: ({ type }) => {
        const manifest = { key: '0'.repeat(64), entries: [] }
        if (type === 'join') void channel.send({ type: 'manifest', manifest, every: 0.01 })
        if (type === 'progress') lives()
      },
      onClose: () => undefined,
    }),
  )
  const node = await joinStaging(root, {
    ...{ addresses: ADDRESSES, port, secret, name: 'n' },
    examine: () => heard.then(() => []),
  })
  t.equal((await node.whole).bytes, 0)
  await node.close()
  server.close()
  await root.close()
})

t.test('one that waits for the others hears that the source lives', async t => {
  const folder = t.testdir({ file: 'text' })
  const source = await serveFolder(folder, { secret: SECRET, expected: 2, host: '127.0.0.1' })
  const channel = await dial(ADDRESSES, source.port, Buffer.from(SECRET), new Pieces())
  const heard = new Promise<void>(resolve => {
    const onMessage = ({ type }: { type: string }) => type === 'beat' && resolve()
    channel.listen({ onMessage: message => void onMessage(message), onClose: () => undefined })
  })
  void channel.send({ type: 'join', name: 'n', port: 1, token: 't' })
  await heard
  t.match(source.nodes(), [{ name: 'n', state: 'joined' }], 'nothing has begun')
  channel.close()
  await source.close()
})
