import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { leash } from '../../src/sites/leash.js'

/** It ends some time, where nothing else ends it and this test is killed. */
const BUSY = 'for (const end = Date.now() + 20_000; Date.now() < end; );'
const PARENT = `
const { spawn } = require('node:child_process')
const [program, ...args] = process.argv.slice(1)
console.log(spawn(program, args, { detached: true, stdio: 'ignore' }).pid)
setInterval(() => {}, 1000)`

t.test('a busy loop in a process group of its own dies with its parent', async t => {
  const child = [...leash(), process.execPath, '-e', BUSY]
  const parent = spawn(process.execPath, ['-e', PARENT, ...child], { stdio: ['ignore', 'pipe', 2] })
  const pid = await new Promise<number>(resolve =>
    parent.stdout!.on('data', (text: Buffer) => resolve(Number(text))),
  )
  t.teardown(() => isAlive(pid) && process.kill(pid, 'SIGKILL'))
  await sleep(300)
  t.ok(isAlive(pid))
  parent.kill('SIGKILL')
  for (let tries = 0; isAlive(pid) && tries < 100; tries++) await sleep(50)
  t.notOk(isAlive(pid))
})

function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/stat`
  return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, 'utf8'))
}
