import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openLibrary } from '../../src/train/backends/blas-library.js'
import { messageOf } from '../../src/base/errors.js'

const PROGRAM = fileURLToPath(new URL('./blas-signals.js', import.meta.url))

let missing: string | undefined
try {
  openLibrary('onednn')
} catch (error) {
  missing = messageOf(error)
}

t.test('signals do not hit a product of oneDNN', { skip: missing ?? false }, async t => {
  const child = fork(PROGRAM, ['4'])
  await once(child, 'message')
  let signals = 0
  child.on('message', (n: number) => (signals = n))
  const exit = once(child, 'exit')
  while (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGUSR2')
    await sleep(0.3)
  }
  t.same(await exit, [0, null])
  t.ok(signals > 100, `${signals} signals met it`)
})
