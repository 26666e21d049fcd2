import t from 'tap'
import { newAgent, type Agent, type AgentEffect } from '../../src/engine/agent-state.js'
import { isBeatNear, onBeat, onLeader, onNewLeader, onTick } from '../../src/engine/agent.js'
import { onExecutor, onExecutorExit } from '../../src/engine/executor-events.js'
import { DONE, HEALTH, opened, order, RUN, SETTINGS } from './agent-rig.js'

// One answer for each attempt, said until the leader has it, and no more work once the lease is over.

function running(attempt = 1, timeout = -1): Agent {
  const agent = opened()
  onLeader(agent, { type: 'run', slot: 0, order: order(attempt, timeout) }, 0)
  return agent
}

const said = (effects: readonly AgentEffect[]) =>
  effects.flatMap(e => (e.do === 'send' ? [e.message.type] : []))

t.test('an answer that waits for its ack since before the last beat is said again', async t => {
  const agent = running()
  t.strictSame(said(onExecutor(agent, 0, DONE, 1)), ['done', 'ready'])
  t.strictSame(said(onBeat(agent, HEALTH, 5)), ['beat'], 'its ack may wait for the next order')
  t.strictSame(said(onBeat(agent, HEALTH, 10)), ['done', 'beat'])
  onLeader(agent, { type: 'ack', run: RUN, attempt: 2 }, 11)
  t.strictSame(said(onBeat(agent, HEALTH, 15)), ['done', 'beat'], 'that was the ack of another')
  onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 16)
  t.strictSame(said(onBeat(agent, HEALTH, 20)), ['beat'])
})

t.test('a beat goes along with what is said within half a beat before it', async t => {
  const agent = running()
  onBeat(agent, HEALTH, 5)
  t.notOk(isBeatNear(agent, 7))
  t.ok(isBeatNear(agent, 7.5))
  onBeat(agent, HEALTH, 7.5)
  t.notOk(isBeatNear(agent, 9.9))
  t.notOk(isBeatNear(newAgent(SETTINGS, 0), 60), 'who is not welcome has nothing to say but hello')
})

t.test('an answer outlives its leader', async t => {
  const agent = running()
  onExecutorExit(agent, 0, 'crashed', 'SIGSEGV')
  t.strictSame(said(onNewLeader(agent, 2)), ['hello'])
  t.ok(said(onLeader(agent, { type: 'welcome', keep: [] }, 3)).includes('ended'))
})

t.test('an order said again is not begun again, whether it runs, is answered or acked', async t => {
  const agent = running()
  const begun = (effects: readonly AgentEffect[]) => effects.filter(e => e.do === 'order').length
  const again = () => onLeader(agent, { type: 'run', slot: 0, order: order() }, 1)
  t.equal(begun(again()), 0, 'runs')
  onExecutor(agent, 0, DONE, 1)
  const answered = again()
  t.equal(begun(answered), 0, 'answered')
  t.strictSame(said(answered), ['done'])
  onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 2)
  const acked = again()
  t.equal(begun(acked), 0, 'acked')
  t.match(
    acked,
    [{ message: { type: 'ended', fate: 'stopped' } }],
    'given back: a leader that did not know the number must not wait for it',
  )
  onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 2)
  t.equal(begun(onLeader(agent, { type: 'run', slot: 0, order: order(2) }, 3)), 1, 'the next one')
})

t.test('without a leader for its lease an agent ends; any word of it is enough', async t => {
  const agent = running()
  t.strictSame(onTick(agent, 120), [])
  onLeader(agent, { type: 'beat' }, 120)
  t.strictSame(onTick(agent, 240), [])
  t.match(onTick(agent, 241), [{ do: 'log' }, { do: 'exit', again: true }])
})

t.test('a RUN that the leader does not let it keep is stopped', async t => {
  const agent = running()
  const keep = [{ slot: 0, run: RUN, attempt: 1 }]
  onNewLeader(agent, 1)
  const stopped = (effects: readonly AgentEffect[]) => effects.some(e => e.do === 'stop')
  t.notOk(stopped(onLeader(agent, { type: 'welcome', keep }, 2)))
  t.ok(stopped(onLeader(agent, { type: 'welcome', keep: [] }, 3)))
})

t.test('past its timeout a RUN is told to stop, then killed, and is hung', async t => {
  const agent = running(1, 100)
  onLeader(agent, { type: 'beat' }, 100)
  t.strictSame(onTick(agent, 100), [])
  t.match(onTick(agent, 101), [{ do: 'stop', run: RUN, attempt: 1 }])
  t.strictSame(onTick(agent, 111), [], 'within its grace')
  t.match(onTick(agent, 112), [{ do: 'kill' }])
  const effects = onExecutorExit(agent, 0, 'crashed', 'SIGKILL')
  t.match(
    effects.find(e => e.do === 'send'),
    { message: { type: 'ended', fate: 'hung' } },
  )
})
