import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { connect, listen, newKeys, type ServerSocket } from '../../src/engine/socket.js'

async function server(keys: ReturnType<typeof newKeys>) {
  const frames: [string, string][] = []
  const waiting: (() => void)[] = []
  const socket: ServerSocket = await listen(keys, ['127.0.0.1'], (from, frame) => {
    frames.push([from, Buffer.from(frame).toString()])
    waiting.splice(0).forEach(f => f())
  })
  const next = () => new Promise<void>(resolve => waiting.push(resolve))
  return { socket, frames, next }
}

t.test('a client with the key of the EXP is heard and answered', async t => {
  const keys = newKeys()
  const { socket, frames, next } = await server(keys)
  const answer = new Promise<string>(resolve => {
    const client = connect(keys, socket.addresses, '1-aaaa', frame => {
      resolve(Buffer.from(frame).toString())
      void client.close()
    })
    client.send('hello')
  })
  await next()
  t.strictSame(frames, [['1-aaaa', 'hello']])
  socket.send('1-aaaa', 'welcome')
  t.equal(await answer, 'welcome')
  await socket.close()
})

t.test('a wrong token, a wrong key and rubbish are not heard; the right one still is', async t => {
  const keys = newKeys()
  const { socket, frames, next } = await server(keys)
  const [address] = socket.addresses
  const wrongToken = connect(
    { ...keys, token: newKeys().token },
    socket.addresses,
    'wrong-token',
    () => undefined,
  )
  wrongToken.send('let me in')
  const wrongKey = connect(
    { ...keys, server: newKeys().server },
    socket.addresses,
    'wrong-key',
    () => undefined,
  )
  wrongKey.send('let me in')
  const port = Number(new URL(address!.replace('tcp:', 'http:')).port)
  const rubbish = connectTcp(port, '127.0.0.1')
  rubbish.on('error', () => undefined)
  await once(rubbish, 'connect')
  rubbish.write('GET / HTTP/1.1\r\n\r\n')
  rubbish.write(Buffer.alloc(100_000, 0x5a))
  const right = connect(keys, socket.addresses, '1-right', () => undefined)
  right.send('hello')
  await next()
  t.strictSame(frames, [['1-right', 'hello']])
  socket.send('nobody', 'lost')
  socket.send('1-right', 'found')
  await Promise.all([wrongToken.close(), wrongKey.close(), right.close()])
  rubbish.destroy()
  t.strictSame(frames, [['1-right', 'hello']], 'nobody else came through')
  await socket.close()
  t.ok(socket.dropped() >= 1, 'a send to nobody is counted')
})
