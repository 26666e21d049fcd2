import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { callProgram } from '../../src/engine/alert.js'

t.setTimeout(60_000)

/** Calls a script with the text. @returns its path, and what is told until there is a fault, or the script has made `done` */
async function called(t: Test, script: string): Promise<{ program: string; told: string[] }> {
  const exp = t.testdir({ 'alert.sh': `#!/bin/sh\n${script}\n` })
  const program = join(exp, 'alert.sh')
  fs.chmodSync(program, 0o755)
  return { program, told: await faults(program, exp) }
}

function faults(program: string, exp: string): Promise<string[]> {
  const told: string[] = []
  return new Promise(resolve => {
    const watch = setInterval(() => {
      if (told.length === 0 && !fs.existsSync(join(exp, 'done'))) return
      clearInterval(watch)
      // a second word would come in the same turn or the next ones
      setTimeout(() => resolve(told), 100)
    }, 10)
    callProgram(program, 'R0 failed', exp, why => told.push(why))
  })
}

t.test('a program that ends well is nothing to tell of', async t => {
  const { told } = await called(t, '[ "$1" = "R0 failed" ] && touch "$UPF_HEDS_EXP/done"')
  t.strictSame(told, [])
})

t.test('one that ends with another status, or of a signal, is told of once', async t => {
  for (const [script, how] of [
    ['exit 3', 'exit 3'],
    ['[ "$1" = other ]', 'exit 1'],
    ['kill -TERM $$', 'died of SIGTERM'],
  ] as const) {
    const { program, told } = await called(t, script)
    t.strictSame(told, [`--on-alert ${program}: ${how}`])
  }
})

t.test('one that cannot be started is told of once', async t => {
  t.match(await faults('./none.sh', t.testdir()), [/^--on-alert \.\/none\.sh: .*ENOENT$/])
  t.equal((await faults('./none.sh', t.testdir())).length, 1)
  t.match(await faults('./none\0.sh', t.testdir()), [/^--on-alert /])
})
