import t from 'tap'
import { newRestarts } from '../../src/sites/restarts.js'

t.test('five starts in ten minutes for each executor, each rank by itself', async t => {
  let minutes = 0
  const mayStart = newRestarts(() => minutes * 60_000)
  const of = (rank: number, slots: number, times: number) =>
    Array.from({ length: times }, () => mayStart({ rank, slots })).filter(Boolean).length
  t.equal(of(0, 0, 9), 5, 'the leader')
  t.equal(of(1, 1, 9), 5)
  t.equal(of(2, 3, 20), 15)
  t.equal(of(3, 64, 99), 20)
  minutes = 9.9
  t.equal(of(1, 1, 1), 0)
  minutes = 10.1
  t.equal(of(1, 1, 9), 5)
})
