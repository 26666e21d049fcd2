import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { oneAtATime } from '../../src/stage/one-at-a-time.js'

t.test('one after the other, whoever comes first; a failure gives the turn on', async t => {
  const path = join(t.testdir(), 'turn')
  let inside = 0
  const done: number[] = []
  const all = Array.from({ length: 8 }, (_, i) =>
    oneAtATime(path, async () => {
      t.equal(++inside, 1, 'nobody else is at it')
      await sleep(10)
      inside--
      done.push(i)
      if (i === 3) throw new Error('of the work')
      return i
    }),
  )
  const results = await Promise.allSettled(all)
  t.strictSame(done.toSorted(), [0, 1, 2, 3, 4, 5, 6, 7])
  t.strictSame(
    results.map(r => (r.status === 'fulfilled' ? r.value : (r.reason as Error).message)),
    [0, 1, 2, 'of the work', 4, 5, 6, 7],
  )
  t.notOk(existsSync(path))
})

t.test('a process that is killed gives its turn back', async t => {
  const folder = t.testdir()
  const path = join(folder, 'turn')
  const module = resolve('dist/src/stage/one-at-a-time.js')
  const code = `import { oneAtATime } from ${JSON.stringify(module)}
    await oneAtATime(${JSON.stringify(path)}, () => new Promise(() => console.log('mine')))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise(done => child.stdout.once('data', done))
  let isMine = false
  const mine = oneAtATime(path, () => {
    isMine = true
    return Promise.resolve()
  })
  await sleep(100)
  t.equal(isMine, false)
  child.kill('SIGKILL')
  await mine
  t.equal(isMine, true)
  // what it has left behind is in nobody's way
  await oneAtATime(path, () => Promise.resolve())
})
