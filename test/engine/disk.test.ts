import t from 'tap'
import { patiently } from '../../src/engine/disk.js'
import { Stopped } from '../../src/experiment/workflow.js'

const fault = (code: string) => Object.assign(new Error(`${code}: no`), { code })
/** Fails as often as there are codes, then writes. */
function failing(...codes: string[]) {
  let calls = 0
  const write = () => {
    calls++
    const code = codes[calls - 1]
    if (code !== undefined) throw fault(code)
    return 'written'
  }
  return { write, calls: () => calls }
}
const WAITS = [1, 1, 1]

t.test('what the disk does not take for a moment is written then', async t => {
  const { write, calls } = failing('ENOSPC', 'EIO', 'EROFS')
  t.equal(await patiently(write, undefined, WAITS), 'written')
  t.equal(calls(), 4)
})

t.test('a disk that stays full is a fault at last', async t => {
  const { write, calls } = failing(...Array.from({ length: 9 }, () => 'EDQUOT'))
  await t.rejects(patiently(write, undefined, WAITS), { code: 'EDQUOT' })
  t.equal(calls(), 4)
})

t.test('what is no fault of the disk is not tried again', async t => {
  const { write, calls } = failing('EACCES')
  await t.rejects(patiently(write, undefined, WAITS), { code: 'EACCES' })
  t.equal(calls(), 1)
})

t.test('told to stop, it waits no longer', async t => {
  const stop = new AbortController()
  const { write, calls } = failing('ENOSPC')
  const waiting = patiently(write, stop, [1e6])
  stop.abort()
  await t.rejects(waiting, Stopped)
  t.equal(calls(), 1)
})
