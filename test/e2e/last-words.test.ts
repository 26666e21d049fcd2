import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { hasMarker, isHeld, leaderLog, letGo, slowExp, until } from './slow-sweep.js'
import { processes } from './sweep.js'

/**
 * Killed after the marker, before the ack. Whoever should hear of it is stopped until the marker stands,
 * so that the moment is exact; the RUN is accepted once, and trained once.
 */
const LINES = [{ id: 'R0', hold: 'scoring' }]

async function begin(folder: string) {
  const exp = await slowExp(folder, LINES)
  const leader = startLeader(exp)
  const agent = startAgent(exp, 1)
  await isHeld(exp, 'R0')
  return { exp, leader, agent }
}

t.test(
  'killed after the marker: the executor, whose agent has yet to read its last word',
  async t => {
    const { exp, leader, agent } = await begin(t.testdir({}))
    agent.kill('SIGSTOP')
    letGo(exp, 'R0')
    await until(() => hasMarker(exp, 'R0'))
    // the marker is read back and told at once; this agent hears it only after the kill
    await until(() => processes(exp).length === 3)
    process.kill(processes(exp).find(p => p.kind === 'executor')!.pid, 'SIGKILL')
    agent.kill('SIGCONT')
    t.equal((await leader.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 1, begun: 3 })
  },
)

t.test('killed after the marker: the agent, before it could tell', async t => {
  const { exp, leader, agent } = await begin(t.testdir({}))
  agent.kill('SIGSTOP')
  letGo(exp, 'R0')
  await until(() => hasMarker(exp, 'R0'))
  agent.kill('SIGKILL')
  await agent.ended
  startAgent(exp, 1)
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 1, begun: 3 }, 'nothing was trained twice')
  t.strictSame(attempts(exp), { R0: 2 })
})

t.test('killed after the marker: the leader, before it could journal it', async t => {
  const { exp, leader, agent } = await begin(t.testdir({}))
  leader.kill('SIGSTOP')
  letGo(exp, 'R0')
  await until(() => hasMarker(exp, 'R0'))
  leader.kill('SIGKILL')
  await leader.ended
  const next = startLeader(exp)
  t.equal((await next.ended).status, 0)
  t.match(leaderLog(exp), /1 finished already/)
  t.equal((await agent.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 1, begun: 3, byMarker: 1 })
  t.strictSame(attempts(exp), { R0: 1 })
})
