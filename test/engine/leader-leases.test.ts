import t from 'tap'
import type { Leader } from '../../src/engine/leader-state.js'
import { onGone, onMessage, onStall, onTick } from '../../src/engine/leader.js'
import { IDLE_BEAT, READY, busyBeat, ended, given, join, known, newRig } from './leader-rig.js'

const A = '1-aaaa'
const B = '2-bbbb'

/** B has the one RUN; A waits for another. */
function oneRunTwoAgents(): Leader {
  const leader = newRig(1)
  join(leader, B, 2)
  join(leader, A, 1)
  return leader
}

const agents = (leader: Leader) => [...leader.agents.keys()].sort()

t.test('an agent that is heard gets the RUN that came free', async t => {
  const l = oneRunTwoAgents()
  onMessage(l, A, IDLE_BEAT, 30)
  onTick(l, 31)
  t.strictSame(given(onMessage(l, B, ended(0, 1, 'failed'), 31)), [A])
})

t.test('a suspect agent does not', async t => {
  const l = oneRunTwoAgents()
  onTick(l, 30)
  t.strictSame(
    given(onMessage(l, B, ended(0, 1, 'failed'), 30)),
    [A],
    'at 30 s it is not suspect yet',
  )
  const late = oneRunTwoAgents()
  onMessage(late, B, busyBeat(0, 1), 30)
  onTick(late, 31)
  t.notOk(given(onMessage(late, B, ended(0, 1, 'failed'), 31)).includes(A))
  t.notOk(given(onTick(late, 32)).includes(A))
  onMessage(late, B, READY, 32)
  t.match(known(late, 0), { state: 'running', attempt: 2, agent: B }, 'another gets it')
})

t.test('an agent that was suspect gets the RUN that waits as soon as it is heard', async t => {
  const l = oneRunTwoAgents()
  onMessage(l, B, busyBeat(0, 1), 30)
  onTick(l, 31)
  t.strictSame(given(onGone(l, B, 'died of SIGKILL')), [], 'A is suspect')
  t.strictSame(given([...onMessage(l, A, IDLE_BEAT, 41), ...onTick(l, 42)]), [A])
})

t.test('each agent is lost by its own silence, and any word of it counts', async t => {
  const l = oneRunTwoAgents()
  onMessage(l, A, IDLE_BEAT, 100)
  onTick(l, 120)
  t.strictSame(agents(l), [A, B], 'at 120 s nobody is lost yet')
  const effects = onTick(l, 121)
  t.strictSame(agents(l), [A])
  t.strictSame(given(effects), [A], 'its RUN is given out at once')
  t.ok(effects.some(e => e.do === 'alert'))
})

t.test('a stall of the leader is subtracted from every silence', async t => {
  const l = oneRunTwoAgents()
  onStall(l, 100)
  onTick(l, 200)
  t.strictSame(agents(l), [A, B])
  onTick(l, 221)
  t.strictSame(agents(l), [])
})

t.test('a stall of the leader is subtracted from the wait for orphans', async t => {
  const l = newRig(1, { orphans: [[0, 1]] })
  onStall(l, 100)
  onTick(l, 200)
  t.equal(known(l, 0).state, 'running')
  onTick(l, 221)
  t.equal(known(l, 0).state, 'waiting')
})

t.test(
  'who is heard after a stall, before it is subtracted, is not heard in the future',
  async t => {
    const l = oneRunTwoAgents()
    onMessage(l, A, IDLE_BEAT, 100)
    onStall(l, 100)
    onTick(l, 101)
    onTick(l, 222)
    t.notOk(agents(l).includes(A))
  },
)
