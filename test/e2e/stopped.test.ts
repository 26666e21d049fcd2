import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { hasMarker, isHeld, letGo, pause, slowExp, until } from './slow-sweep.js'

/** SIGSTOP, then SIGCONT: who stood still must not go on with what is no longer its own. */
t.jobs = 3 // they wait most of the time

const LINES = [{ id: 'R0', hold: 'mid-epoch' }]

async function begin(folder: string, LEASE: string) {
  const exp = await slowExp(folder, LINES, { LEASE })
  const leader = startLeader(exp)
  const agent = startAgent(exp, 1)
  await isHeld(exp, 'R0')
  return { exp, leader, agent }
}

for (const who of ['agent', 'leader'] as const)
  t.test(`the ${who} stands still for less than the lease: nothing is lost`, async t => {
    const { exp, leader, agent } = await begin(t.testdir({}), '0.5,1,6')
    const victim = who === 'agent' ? agent : leader
    victim.kill('SIGSTOP')
    await pause(4)
    victim.kill('SIGCONT')
    letGo(exp, 'R0')
    t.equal((await leader.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 1, begun: 3, fates: {} })
    t.strictSame(attempts(exp), { R0: 1 })
  })

t.test('the agent stands still for longer than the lease, and its executor goes on', async t => {
  const { exp, leader, agent } = await begin(t.testdir({}), '0.3,0.6,1.5')
  agent.kill('SIGSTOP')
  startAgent(exp, 2)
  await until(() => hasMarker(exp, 'R0'))
  // the first attempt ends its epoch now, and must leave everything as it is
  letGo(exp, 'R0')
  await pause(0.5)
  agent.kill('SIGCONT')
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 1, fates: { 'node-lost': 1 } })
  t.strictSame(attempts(exp), { R0: 2 })
  t.equal(found.begun - found.epochs, 1, 'the epoch that it was in')
})

t.test(
  'the leader stands still for longer than the lease: its agents stop, then serve it',
  async t => {
    const { exp, leader, agent } = await begin(t.testdir({}), '0.3,0.6,1.5')
    leader.kill('SIGSTOP')
    await pause(4)
    t.ok(agent.running(), 'it waits for a leader')
    leader.kill('SIGCONT')
    t.equal((await leader.ended).status, 0)
    t.equal((await agent.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 1, fates: { 'node-lost': 1 } })
    t.equal(found.begun - found.epochs, 1, 'the epoch that it was in')
  },
)
