import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import t from 'tap'

const V8 = pathToFileURL(resolve('dist/src/base/v8.js')).href

/** What is old and dead is not left to lie about: a process that does little would never look for it. */
t.test('a process that stays small gives back what it needs no more', async t => {
  const program = `
    const { staySmall } = await import(${JSON.stringify(V8)})
    staySmall(0.1)
    let held = Array.from({ length: 400_000 }, (_, i) => ({ i, text: String(i) }))
    await new Promise(done => setTimeout(done, 50))
    const before = process.memoryUsage().heapUsed
    held = held.length
    await new Promise(done => setTimeout(done, 1000))
    console.log(before - process.memoryUsage().heapUsed)
  `
  const args = ['--input-type=module', '-e', program]
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.ok(Number(stdout) > 10e6, stdout)
})
