import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  awaitSource,
  fetchFrom,
  serveNoMore,
  serveStaged,
  tellPresent,
  type Serving,
  type SourcePlace,
} from '../../src/engine/stage-source.js'

function place(t: Test, what: SourcePlace['what'] = 'data') {
  const engine = t.testdir({ from: { a: 'one', b: { c: 'two' } } })
  const file = join(engine, `${what}-source-2.json`)
  const word = () => JSON.parse(fs.readFileSync(file, 'utf8')) as Serving & { state: string }
  const say = (word: object) => fs.writeFileSync(file, JSON.stringify(word))
  return { engine, word, say, at: { engine, epoch: 2, what } as const }
}

const there = { host: 'elsewhere', addresses: ['127.0.0.1'], port: 1, secret: 's' }

t.test(
  'an earlier job’s word is passed over; who stages is waited for, until it serves',
  async t => {
    const { at, say } = place(t)
    say({ ...there, epoch: 1, state: 'serving', port: 9 })
    const found = awaitSource(at)
    await sleep(400)
    say({ epoch: 2, host: 'elsewhere', state: 'staging' })
    await sleep(400)
    say({ ...there, epoch: 2, state: 'serving' })
    t.match(await found, there)
  },
)

t.test('a source that has ended is not waited for, nor does a node wait for itself', async t => {
  const { at, engine, say } = place(t)
  say({ epoch: 2, host: 'elsewhere', state: 'staging' })
  const found = awaitSource(at)
  await sleep(400)
  say({ epoch: 2, host: 'elsewhere', state: 'failed' })
  t.equal(await found, undefined)
  const failed = serveStaged(at, () => Promise.reject(new Error('no data')), 1, '')
  await t.rejects(failed, { message: 'no data' })
  t.equal(await awaitSource(at), undefined)
  t.equal(fs.statSync(join(engine, 'data-source-2.json')).mode & 0o777, 0o600)
})

t.test('a node has what is wanted of the folder; then nothing is served any more', async t => {
  const { at, engine, word } = place(t, 'image')
  const folder = join(engine, 'from')
  const served = serveStaged(at, () => Promise.resolve({ folder, only: ['b'] }), 1, '')
  while (!fs.existsSync(join(engine, 'image-source-2.json')) || word().state !== 'serving')
    await sleep(20)
  const into = join(engine, 'into')
  fs.mkdirSync(into, { mode: 0o700 })
  const { host, port, secret } = word()
  const got = await fetchFrom({ host, port, secret, addresses: ['127.0.0.1'] }, into)
  t.match(got, { from: host, bytes: 3 })
  t.strictSame(fs.readdirSync(into), ['b'])
  t.equal(fs.readFileSync(join(into, 'b/c'), 'utf8'), 'two')
  await served
  if ('over' in got) await got.over
  t.equal(word().state, 'failed')
})

t.test('a source whose nodes all have it is done', async t => {
  const { at, engine } = place(t)
  const folder = join(engine, 'from')
  const served = serveStaged(at, () => Promise.resolve({ folder }), 1, '')
  const file = join(engine, 'data-source-2.json')
  const word = () => JSON.parse(fs.readFileSync(file, 'utf8')) as { state: string }
  while (!fs.existsSync(file) || word().state !== 'serving') await sleep(20)
  // as another host would read it
  const elsewhere = join(engine, 'elsewhere')
  fs.mkdirSync(elsewhere)
  fs.writeFileSync(
    join(elsewhere, 'data-source-2.json'),
    JSON.stringify({ ...word(), host: 'elsewhere', addresses: ['127.0.0.1'] }),
  )
  await tellPresent({ ...at, engine: elsewhere })
  await served
  t.equal(word().state, 'failed', 'nobody is served any more')
})

t.test('a job that dies late does not speak for the next one', async t => {
  const { at, engine, say } = place(t)
  const old = { ...at, epoch: 1 }
  const served = serveStaged(old, () => Promise.resolve({ folder: join(engine, 'from') }), 0, '')
  say({ ...there, epoch: 2, state: 'serving' })
  await served
  await serveNoMore(old)
  t.match(await awaitSource(at), there, 'its own word is another file')
  await serveNoMore(at) // the same epoch, another host: a job whose leader has never led
  t.match(await awaitSource(at), there)
  const killedOver = ['.data-source-1.json.7.0123abcd.1', '.data-source-3.json.8.0123abcd.1']
  for (const name of killedOver) fs.writeFileSync(join(engine, name), '')
  await t.rejects(serveStaged({ ...at, epoch: 3 }, () => Promise.reject(new Error('no')), 1, ''))
  t.strictSame(
    fs.readdirSync(engine).filter(name => name.includes('.json')),
    ['.data-source-3.json.8.0123abcd.1', 'data-source-3.json'],
    'what earlier jobs have said is gone',
  )
})
