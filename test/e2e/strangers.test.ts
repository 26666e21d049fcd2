import { connect as connectTcp, type Socket } from 'node:net'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_FRAME, PROTOCOL, encode, type FromAgent } from '../../src/engine/protocol.js'
import { readRendezvous, type Rendezvous } from '../../src/engine/rendezvous.js'
import { connect, newKeys, type Keys } from '../../src/engine/socket.js'
import { openExp } from '../../src/experiment/exp.js'
import { gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { isHeld, letGo, pause, slowExp, status, until } from './slow-sweep.js'

/** Whoever comes to the leader's port: the sweep goes on, nobody but its agents is heard, and it is counted. */
t.test('random bytes, HTTP, wrong keys and versions, huge frames, a replay', async t => {
  const exp = await slowExp(t.testdir({}), [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }])
  const leader = startLeader(exp)
  const engine = join(exp, '.engine')
  await until(() => fs.existsSync(join(engine, 'rendezvous.json')))
  const rendezvous = (await readRendezvous(engine))!
  const spoken = await overhear(rendezvous, engine, () => {
    startAgent(exp, 1)
    return isHeld(exp, 'R0')
  })
  const { hostname, port } = new URL(rendezvous.addresses[0]!.replace('tcp:', 'http:'))

  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    Buffer.from(Array.from({ length: 4096 }, () => Math.floor(Math.random() * 256))),
    Buffer.alloc(0),
    spoken, // every byte that an agent with the right key has sent
    spoken.subarray(0, 64), // the greeting alone
  ])
    await say(hostname, Number(port), bytes)

  const keys = JSON.parse(fs.readFileSync(join(engine, 'keys.json'), 'utf8')) as Keys
  const { id } = openExp(exp, '.')
  const own = { exp: id, epoch: rendezvous.epoch, nonce: 'cafe' }
  const hello: FromAgent = {
    ...{ type: 'hello', protocol: PROTOCOL, rank: 1, host: 'h', node: 'h', pid: 1, slots: 1 },
    ...{ held: [], phase: 'closed' },
  }
  const done: FromAgent = {
    ...{ type: 'done', slot: 0, run: 'R1' as never, attempt: 1 },
    finish: { marker: 'x', epochs: 3, reason: 'completed', seconds: 1, durable: true },
  }
  let sockets = 0
  const talk = async (frames: readonly string[], nonce = 'cafe', which = keys) => {
    const heard: string[] = []
    const socket = connect(which, rendezvous.addresses, `${++sockets}-${nonce}`, frame =>
      heard.push(Buffer.from(frame).toString()),
    )
    for (const frame of frames) socket.send(frame)
    await pause(0.3)
    await socket.close()
    return heard
  }
  const { server, token } = newKeys()
  t.strictSame(await talk([encode(own, [hello])], 'cafe', { ...keys, server }), [], 'a wrong key')
  t.strictSame(await talk([encode(own, [hello])], 'cafe', { ...keys, token }), [], 'a wrong token')
  t.strictSame(await talk([encode({ ...own, exp: 'EXP999-x' }, [hello])]), [], 'another EXP')
  t.strictSame(await talk([encode({ ...own, epoch: 99 }, [hello])]), [], 'another leader')
  t.strictSame(await talk([encode(own, [hello])], 'beef'), [], 'the name of another agent')
  t.strictSame(await talk(['{"not": "ours"}', '\0\u0001\u0002', '']), [], 'no message')
  t.strictSame(await talk(['x'.repeat(MAX_FRAME + 1)]), [], 'a huge frame')
  const [refused] = await talk([encode(own, [{ ...hello, protocol: 99 }])])
  t.match(refused, /speaks protocol 99, the leader \d+/, 'another version is told so')
  await talk([encode(own, [{ ...done, run: '../../x' as never }]), encode(own, [{ type: 'bye' }])])

  letGo(exp, 'R0')
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 2, fates: {}, again: 0 })
  const { strangers } = status(exp)
  // five that are no agents, a wrong key, a huge frame, and eight frames
  t.ok(Number(strangers) >= 14, `${String(strangers)} strangers were counted`)
})

/** What goes from an agent to the leader while `act` runs. */
async function overhear(
  rendezvous: Rendezvous,
  engine: string,
  act: () => Promise<void>,
): Promise<Buffer> {
  const { createServer } = await import('node:net')
  const chunks: Buffer[] = []
  const { hostname, port } = new URL(rendezvous.addresses[0]!.replace('tcp:', 'http:'))
  const server = createServer(agent => {
    const leader = connectTcp(Number(port), hostname)
    agent.on('data', chunk => chunks.push(chunk))
    agent.pipe(leader).pipe(agent)
    agent.on('error', () => leader.destroy())
    leader.on('error', () => agent.destroy())
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port: own } = server.address() as { port: number }
  const file = join(engine, 'rendezvous.json')
  fs.writeFileSync(file, JSON.stringify({ ...rendezvous, addresses: [`tcp://127.0.0.1:${own}`] }))
  await act()
  server.unref()
  return Buffer.concat(chunks)
}

/** Resolves when the other side has closed, or takes no more of it for a moment. */
async function say(host: string, port: number, bytes: Buffer): Promise<void> {
  const socket: Socket = connectTcp(port, host)
  socket.on('error', () => undefined)
  socket.write(bytes)
  await Promise.race([new Promise(done => socket.on('close', done)), pause(0.3)])
  socket.destroy()
}
