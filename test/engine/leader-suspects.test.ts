import t from 'tap'
import { onGone, onMessage } from '../../src/engine/leader.js'
import { READY, done, given, id, join, known, newRig } from './leader-rig.js'

// Who runs beside whom after an agent of several executors has died with all that it ran.

t.test('RUNs whose next loss counts: an agent of three has one of them at a time', async t => {
  const l = newRig(4)
  const losses = () => [0, 1, 2, 3].map(n => known(l, n).tally.losses)
  for (const life of ['1-a', '2-a']) {
    t.equal(given(join(l, life, 1, 3)).length, 3)
    onGone(l, life, 'exit')
  }
  t.strictSame(losses(), [2, 2, 2, 0])
  t.equal(given(join(l, '3-a', 1, 3)).length, 2, 'one of the three, and the other RUN')
  onGone(l, '3-a', 'exit')
  t.equal(losses().filter(n => n === 3).length, 1)
  join(l, '4-a', 1, 3)
  const at = [0, 1, 2].find(n => known(l, n).state === 'running')!
  const { slot, attempt } = { slot: l.runs.get(id(at))!.slot!.id, ...known(l, at) }
  onMessage(l, '4-a', { ...done(at, attempt), slot }, 1)
  t.equal(given(onMessage(l, '4-a', { ...READY, slot }, 1)).length, 1, 'when it has ended the next')
  t.equal(given(join(l, '5-b', 2, 3)).length, 1, 'another agent takes the last one')
})

t.test('a RUN that kills its agent of twelve is given up; of its neighbours none', async t => {
  const l = newRig(40)
  const those = (isWanted: (n: number) => boolean) => [...Array(40).keys()].filter(isWanted)
  const running = () => those(n => known(l, n).state === 'running')
  for (let life = 1; life <= 5; life++) {
    const agent = `${life}-a`
    join(l, agent, 1, 12)
    while (!running().includes(5)) {
      const n = running()[0]!
      const slot = l.runs.get(id(n))!.slot!.id
      onMessage(l, agent, { ...done(n, known(l, n).attempt), slot }, 1)
      onMessage(l, agent, { ...READY, slot }, 1)
    }
    onGone(l, agent, 'exit')
  }
  t.strictSame(
    those(n => known(l, n).state === 'failed'),
    [5],
  )
})
