import t from 'tap'
import { newRestarts } from '../../src/sites/restarts.js'

t.test('three starts in ten minutes, each rank by itself', async t => {
  let minutes = 0
  const mayStart = newRestarts(() => minutes * 60_000)
  t.strictSame([mayStart(1), mayStart(1), mayStart(1), mayStart(1)], [true, true, true, false])
  t.ok(mayStart(2))
  minutes = 9.9
  t.notOk(mayStart(1))
  minutes = 10.1
  t.strictSame([mayStart(1), mayStart(2)], [true, true])
})
