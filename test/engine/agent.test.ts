import t from 'tap'
import { newAgent, STAGER, type Agent, type AgentEffect } from '../../src/engine/agent-state.js'
import {
  hello,
  onExecutor,
  onExecutorExit,
  onLeader,
  onStop,
  onTick,
  unsaid,
} from '../../src/engine/agent.js'
import type { Order } from '../../src/engine/protocol.js'
import { runId } from '../../src/base/ids.js'

const RUN = runId('RUN000')!
const order = (attempt = 1, timeout = -1): Order => ({
  run: RUN,
  attempt,
  params: {},
  origins: {},
  resolved: {},
  digest: 'd',
  timeout,
})

function opened(): Agent {
  const settings = {
    rank: 1,
    host: 'h',
    node: 'n',
    pid: 7,
    slots: 1,
    lost: 120,
    grace: 60,
    openLimit: 3,
  }
  const agent = newAgent(settings, 0)
  onLeader(agent, { type: 'open' }, 0)
  onExecutor(agent, 0, { type: 'opened' })
  return agent
}

const kinds = (effects: readonly AgentEffect[]) =>
  effects.map(e =>
    e.do === 'send' ? `send ${e.message.type}` : e.do === 'tell' ? `tell ${e.message}` : e.do,
  )
const done = { type: 'done', finish: { marker: 'm', epochs: 1, reason: 'completed' } } as const

t.test('hello, stage in an executor of its own, open, ready', async t => {
  const agent = newAgent({ ...opened().settings }, 0)
  t.strictSame(kinds(hello(agent)), ['send hello'])
  t.strictSame(kinds(onLeader(agent, { type: 'stage' }, 0)), ['spawn', 'tell stage'])
  t.strictSame(kinds(onExecutor(agent, STAGER, { type: 'staged' })), ['kill', 'send staged'])
  t.strictSame(
    kinds(onExecutorExit(agent, STAGER, 'crashed', 'SIGKILL')),
    [],
    'its end is expected',
  )
  t.strictSame(kinds(onLeader(agent, { type: 'open' }, 0)), ['spawn', 'tell open'])
  t.strictSame(kinds(onExecutor(agent, 0, { type: 'opened' })), ['send ready'])
})

t.test('an answer is said again until the leader acks it', async t => {
  const agent = opened()
  t.strictSame(kinds(onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)), ['order'])
  t.strictSame(kinds(onExecutor(agent, 0, done)), ['send done', 'send ready'])
  t.strictSame(kinds(unsaid(agent)), ['send done'])
  onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 0)
  t.strictSame(unsaid(agent), [])
})

t.test(
  'a dead executor ends its RUN, is replaced, and is not ready before it has opened',
  async t => {
    const agent = opened()
    onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
    const effects = onExecutorExit(agent, 0, 'crashed', 'died of SIGKILL')
    t.strictSame(kinds(effects), ['record', 'send ended', 'spawn', 'tell open'])
    t.match(effects[1], { message: { fate: 'crashed', run: RUN, attempt: 1 } })
    t.strictSame(kinds(onExecutor(agent, 0, { type: 'opened' })), ['send ready'])
  },
)

t.test('an executor that never opens is reported after its third try', async t => {
  const agent = opened()
  onExecutorExit(agent, 0, 'crashed', 'x')
  t.strictSame(kinds(onExecutorExit(agent, 0, 'crashed', 'x')), ['spawn', 'tell open'])
  t.strictSame(kinds(onExecutorExit(agent, 0, 'crashed', 'x')), ['spawn', 'tell open'])
  t.strictSame(kinds(onExecutorExit(agent, 0, 'crashed', 'x')), ['send broken'])
})

t.test('past its timeout a RUN is hung, however its executor takes it', async t => {
  const agent = opened()
  onLeader(agent, { type: 'run', slot: 0, order: order(1, 10) }, 0)
  t.strictSame(kinds(onTick(agent, 9)), [])
  t.strictSame(kinds(onTick(agent, 11)), ['tell stop'])
  t.strictSame(kinds(onTick(agent, 70)), [])
  t.strictSame(kinds(onTick(agent, 72)), ['kill'], 'after its grace')
  t.match(onExecutorExit(agent, 0, 'crashed', 'SIGKILL'), [{ do: 'record', fate: 'hung' }])
})

t.test(
  'told to stop: no fault is recorded, nothing new is taken, and it leaves when all is acked',
  async t => {
    const agent = opened()
    onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
    t.strictSame(kinds(onStop(agent, 'stopped', 1)), ['tell stop'])
    const ended = onExecutor(agent, 0, { type: 'ended', fate: 'stopped', message: 'stopped' })
    t.strictSame(kinds(ended), ['send ended'])
    t.match(ended, [{ message: { fate: 'stopped' } }])
    const left = onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 2)
    t.strictSame(kinds(left), ['send bye', 'exit'])
  },
)

t.test('without a leader it fences itself when the lease is over', async t => {
  const agent = opened()
  t.strictSame(kinds(onTick(agent, 119)), [])
  t.match(onTick(agent, 121), [{ do: 'log' }, { do: 'exit', again: true }])
})

t.test('a RUN given to a slot that is not free is handed back', async t => {
  const agent = opened()
  onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
  const effects = onLeader(agent, { type: 'run', slot: 0, order: { ...order(), attempt: 2 } }, 0)
  t.match(effects, [{ message: { type: 'ended', attempt: 2, fate: 'stopped' } }])
})
