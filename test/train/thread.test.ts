import { spawnSync } from 'node:child_process'
import t from 'tap'
import { newThread } from '../../src/train/backends/thread.js'
import { loadable } from './loadable.js'

const serve = new URL('../../src/train/backends/serve.js', import.meta.url).href
const SCRIPT = `
  import(${JSON.stringify(serve)}).then(({ serve }) => serve(
    async (request, { stopped, onProgress }) => {
      if (request === 'throw') setImmediate(() => { throw new RangeError('out of luck') })
      if (request === 'exit') process.exit(3)
      if (request === 'fail') throw new TypeError('no')
      if (request === 'turns') {
        let turns = 0
        while (!stopped()) {
          turns++
          onProgress(turns, 0)
          await new Promise(setImmediate)
        }
        return turns
      }
      return request === 'hello' ? 'hello' : new Promise(() => {})
    },
    () => [],
  ))`
const start = () => newThread<string>(SCRIPT, { eval: true })

t.test('a request is answered; one that fails is no death', async t => {
  const thread = start()
  t.teardown(() => thread.close())
  t.equal(await thread.ask('hello'), 'hello')
  await t.rejects(thread.ask('fail'), { name: 'TypeError', message: 'no' })
  t.equal(await thread.ask('hello'), 'hello')
})

t.test('progress is reported while a request runs, and a stop ends it', async t => {
  const thread = start()
  t.teardown(() => thread.close())
  const seen: number[] = []
  const answer = thread.ask('turns', done => {
    seen.push(done)
    thread.stop()
  })
  await t.rejects(thread.ask('hello'), /one call at a time/)
  t.ok(((await answer) as number) >= seen[0]!)
  t.equal(await thread.ask('hello'), 'hello', 'the stop was for that request only')
})

t.test('closing rejects the pending call and lets the thread come to its end', async t => {
  const thread = start()
  const pending = t.rejects(thread.ask('turns'), /closed/)
  await thread.close()
  await pending
  await t.rejects(thread.ask('hello'), /closed/)
  await thread.close()
})

t.test('a crash of the thread rejects the pending call and every later one', async t => {
  const thread = start()
  await t.rejects(thread.ask('throw'), { name: 'RangeError', message: 'out of luck' })
  await t.rejects(thread.ask('hello'), { name: 'RangeError' })
  await thread.close()
})

t.test('so does its exit', async t => {
  const thread = start()
  await t.rejects(thread.ask('exit'), /ended with status 3/)
  await t.rejects(thread.ask('hello'), /ended with status 3/)
  await thread.close()
})

for (const { name } of loadable)
  t.test(
    `${name}: a process that exits in the middle of an epoch ends with its own status`,
    async t => {
      const script = `
    import { backend } from ${JSON.stringify(new URL('../../src/train/backends/registry.js', import.meta.url).href)}
    import { tinyEpoch, tinyOptions, tinyState } from ${JSON.stringify(new URL('./tiny.js', import.meta.url).href)}
    const options = tinyOptions({ threads: 2 })
    const trainer = await (await backend(${JSON.stringify(name)})).create(options, tinyState(options))
    await trainer.trainEpoch(tinyEpoch(400_000, { onProgress: () => process.exit(7) }))`
      const { status, signal, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--eval', script],
        { encoding: 'utf8' },
      )
      t.same({ status, signal, said: ours(stderr) }, { status: 7, signal: null, said: '' })
    },
  )

for (const { name } of loadable)
  t.test(`${name}: a process whose trainer is closed comes to its end`, async t => {
    const script = `
    import { backend } from ${JSON.stringify(new URL('../../src/train/backends/registry.js', import.meta.url).href)}
    import { tinyEpoch, tinyOptions, tinyState } from ${JSON.stringify(new URL('./tiny.js', import.meta.url).href)}
    const options = tinyOptions({ threads: 3 })
    const trainer = await (await backend(${JSON.stringify(name)})).create(options, tinyState(options))
    await trainer.trainEpoch(tinyEpoch(10))
    await trainer.close()
    console.log('closed')`
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { encoding: 'utf8' },
    )
    t.same(
      { status, signal, stdout, said: ours(stderr) },
      { status: 0, signal: null, stdout: 'closed\n', said: '' },
    )
  })

/** Without what TensorFlow says of itself when it is loaded. */
function ours(stderr: string): string {
  return stderr.replace(/^(WARNING: All log messages|I0000 |To enable the following).*\n/gm, '')
}
