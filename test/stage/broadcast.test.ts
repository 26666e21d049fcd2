import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fetchFolder, needNothing, serveFolder } from '../../src/stage/broadcast.js'
import { listing, makeTree, privateFolder } from './trees.js'

const SECRET = 'a secret of this test'

t.test('a folder comes to eight nodes as it is, and leaves its source once', async t => {
  const cwd = t.testdir({ data: {} })
  const data = join(cwd, 'data')
  makeTree(data)
  const source = await serveFolder(data, { secret: SECRET, expected: 8, host: '127.0.0.1' })
  const nodes = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      fetchFolder(privateFolder(join(cwd, `n${i}`)), {
        addresses: ['127.0.0.1'],
        port: source.port,
        secret: SECRET,
        name: `n${i}`,
      }),
    ),
  )
  const whole = await Promise.all(nodes.map(n => n.whole))
  const states = await source.finished
  t.strictSame(
    states.map(s => s.state),
    Array(8).fill('done'),
  )
  const size = fs
    .readdirSync(data, { recursive: true })
    .map(name => fs.lstatSync(join(data, name.toString())))
    .reduce((sum, s) => sum + (s.isFile() ? s.size : 0), 0)
  t.equal(source.sent(), size, 'each byte left the source once')
  const want = listing(data)
  t.ok(want.length > 200)
  for (let i = 0; i < 8; i++) {
    t.strictSame(listing(join(cwd, `n${i}`)), want)
    t.equal(whole[i]!.bytes, size)
    t.notOk(fs.existsSync(join(cwd, `n${i}`, '.upf-heds-stage')))
  }
  await source.close()
  await Promise.all(nodes.map(n => n.over))
})

t.test('who does not know the secret gets nothing', async t => {
  const cwd = t.testdir({ data: { file: 'text' } })
  const source = await serveFolder(join(cwd, 'data'), { secret: SECRET, host: '127.0.0.1' })
  await t.rejects(
    fetchFolder(privateFolder(join(cwd, 'n')), {
      addresses: ['127.0.0.1'],
      port: source.port,
      secret: 'another',
    }),
    { kind: 'PROTOCOL', message: /does not know the secret/ },
  )
  t.strictSame(source.nodes(), [])
  t.strictSame(fs.readdirSync(join(cwd, 'n')), [])
  await source.close()
})

t.test('one that has it all says so; one that comes late gets it too', async t => {
  const cwd = t.testdir({ data: {} })
  const data = join(cwd, 'data')
  makeTree(data)
  const source = await serveFolder(data, { secret: SECRET, expected: 3, host: '127.0.0.1' })
  const at = (name: string) => ({
    ...{ addresses: ['127.0.0.1'], port: source.port, secret: SECRET, name },
  })
  const fetch = (name: string) => fetchFolder(privateFolder(join(cwd, name)), at(name))
  await needNothing(at('has-it'))
  await needNothing(at('has-it')) // another process of that host
  t.equal(source.absent(), 2)
  const first = await fetch('first')
  await first.whole // though the third has not come
  const late = await fetch('late')
  await late.whole
  t.strictSame(
    (await source.finished).map(s => [s.name, s.state]),
    [
      ['first', 'done'],
      ['late', 'done'],
    ],
    'nobody else is waited for',
  )
  await source.gathered
  t.strictSame(listing(join(cwd, 'late')), listing(data))
  await source.close()
  await Promise.all([first.over, late.over])
})

t.test('a node may be closed again when it is over', async t => {
  const cwd = t.testdir({ data: { file: 'text' } })
  const source = await serveFolder(join(cwd, 'data'), {
    ...{ secret: SECRET, expected: 1, host: '127.0.0.1' },
  })
  const where = { addresses: ['127.0.0.1'], port: source.port, secret: SECRET }
  const node = await fetchFolder(privateFolder(join(cwd, 'n')), where)
  await node.whole
  await source.close()
  await node.over
  await new Promise(setImmediate) // its folder is closed
  await node.close()
  t.strictSame(fs.readdirSync(join(cwd, 'n')), ['file'])
})
