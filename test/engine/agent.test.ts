import t from 'tap'
import { newAgent, STAGER, type Agent } from '../../src/engine/agent-state.js'
import { hello, onBeat, onLeader, onStop, onTick } from '../../src/engine/agent.js'
import { onExecutor, onExecutorExit, onMemory } from '../../src/engine/executor-events.js'
import { DONE, HEALTH, kinds, opened, order, RUN, SETTINGS } from './agent-rig.js'

/** Answers without an ack. */
const unsaid = (agent: Agent) => {
  onBeat(agent, HEALTH, 0)
  return onBeat(agent, HEALTH, 0).filter(e => e.do === 'send' && e.message.type !== 'beat')
}

t.test('hello, stage in an executor of its own, open, ready', async t => {
  const agent = newAgent(SETTINGS, 0)
  t.strictSame(kinds(hello(agent)), ['send hello'])
  t.strictSame(kinds(onLeader(agent, { type: 'stage' }, 0)), ['spawn', 'tell stage'])
  t.strictSame(kinds(onExecutor(agent, STAGER, { type: 'staged' }, 0)), ['send staged'])
  t.strictSame(
    kinds(onExecutorExit(agent, STAGER, 'crashed', 'SIGKILL')),
    [],
    'its end is expected',
  )
  t.strictSame(kinds(onLeader(agent, { type: 'open' }, 0)), ['spawn', 'tell open'])
  t.strictSame(kinds(onExecutor(agent, 0, { type: 'opened' }, 0)), ['send ready'])
})

t.test('an answer is said again until the leader acks it', async t => {
  const agent = opened()
  t.strictSame(kinds(onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)), ['order'])
  t.strictSame(kinds(onExecutor(agent, 0, DONE, 0)), ['send done', 'send ready'])
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
    t.strictSame(kinds(onExecutor(agent, 0, { type: 'opened' }, 0)), ['send ready'])
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
  t.strictSame(kinds(onTick(agent, 11)), ['stop'])
  t.strictSame(kinds(onTick(agent, 20)), [])
  t.strictSame(kinds(onTick(agent, 22)), ['kill'], 'after its grace')
  t.match(onExecutorExit(agent, 0, 'crashed', 'SIGKILL'), [{ do: 'record', fate: 'hung' }])
})

t.test(
  'told to stop: no fault is recorded, nothing new is taken, and it leaves when all is acked',
  async t => {
    const agent = opened()
    onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
    t.strictSame(kinds(onStop(agent, 'stopped', 1)), ['stop'])
    const ended = onExecutor(agent, 0, { type: 'ended', fate: 'stopped', message: 'stopped' }, 0)
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

t.test('a RUN that arrives twice is done once', async t => {
  const agent = opened()
  const again = () => onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
  again()
  t.strictSame(again(), [], 'it runs')
  onExecutor(agent, 0, DONE, 0)
  t.strictSame(kinds(again()), ['send done'], 'the leader has not heard the answer')
  onLeader(agent, { type: 'ack', run: RUN, attempt: 1 }, 0)
  t.match(again(), [{ message: { type: 'ended', fate: 'stopped' } }], 'one more is another attempt')
})

t.test(
  'silence of a RUN that did tell of progress is a hang; of one that never did it is not',
  async t => {
    const agent = opened()
    onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
    const tick = (now: number) => {
      agent.heard = now
      return kinds(onTick(agent, now))
    }
    t.strictSame(tick(5000), [])
    onExecutor(agent, 0, { type: 'progress', progress: { phase: 'train' } }, 5000)
    t.strictSame(tick(5299), [])
    t.strictSame(tick(5301), ['stop'])
    t.match(onExecutor(agent, 0, { type: 'ended', fate: 'stopped', message: 's' }, 0), [
      { do: 'record', fate: 'hung', message: /no progress for 301 s/ },
    ])
  },
)

t.test('an executor that passes the memory of its RUN is killed: out of memory', async t => {
  const agent = opened()
  onLeader(agent, { type: 'run', slot: 0, order: { ...order(), memory: 100 } }, 0)
  t.strictSame(onMemory(agent, 0, 99, 1), [])
  t.strictSame(kinds(onMemory(agent, 0, 101, 1)), ['kill'])
  t.match(onExecutorExit(agent, 0, 'crashed', 'SIGKILL'), [
    { do: 'record', fate: 'out-of-memory', message: /used 101 MB/ },
  ])
})

t.test(
  'it outlives its leader: what the next one lets it keep goes on, the rest is stopped',
  async t => {
    const agent = opened()
    onLeader(agent, { type: 'run', slot: 0, order: order() }, 0)
    const effects = onExecutor(agent, 0, DONE, 1)
    t.strictSame(kinds(effects), ['send done', 'send ready'])
    onLeader(agent, { type: 'run', slot: 0, order: { ...order(), attempt: 2 } }, 1)
    agent.welcomed = false
    t.match(hello(agent), [{ message: { held: [{ run: RUN, attempt: 2 }], phase: 'open' } }])
    const keep = [{ slot: 0, run: RUN, attempt: 2 }]
    t.strictSame(kinds(onLeader(agent, { type: 'welcome', keep }, 2)), ['tell leader', 'send done'])
    agent.welcomed = false
    const lost = kinds(onLeader(agent, { type: 'welcome', keep: [] }, 3))
    t.strictSame(lost.slice(0, 1), ['stop'])
  },
)

t.test('before the welcome it says hello at each beat, then what it has', async t => {
  const agent = newAgent(SETTINGS, 0)
  t.strictSame(kinds(onBeat(agent, HEALTH, 0)), ['send hello'])
  t.strictSame(onLeader(agent, { type: 'unknown' }, 0), [], 'its hello is on its way')
  onLeader(agent, { type: 'welcome', keep: [] }, 0)
  t.match(onBeat(agent, HEALTH, 0), [{ message: { type: 'beat', inventory: { phase: 'closed' } } }])
  t.strictSame(kinds(onLeader(agent, { type: 'unknown' }, 0)), ['exit'], 'its lease is over')
})

t.test('told to stop while it has nothing to do it leaves at once', async t => {
  t.strictSame(kinds(onStop(opened(), 'stopped', 1)), ['send bye', 'exit'])
})

t.test('an agent that cannot serve says so until it is heard', async t => {
  const agent = newAgent(SETTINGS, 0)
  onLeader(agent, { type: 'welcome', keep: [] }, 0)
  onLeader(agent, { type: 'open' }, 0)
  t.strictSame(kinds(unsaid(agent)), [])
  const broken = onExecutor(agent, 0, { type: 'ended', fate: 'failed', message: 'no device' }, 0)
  t.strictSame(kinds(broken), ['send broken'])
  t.strictSame(kinds(unsaid(agent)), ['send broken'])
})

t.test(
  'an executor that never gets ready is killed after ten minutes, a stager after an hour',
  async t => {
    const agent = newAgent(SETTINGS, 0)
    const tick = (now: number) => {
      agent.heard = now
      return onTick(agent, now)
    }
    onLeader(agent, { type: 'welcome', keep: [] }, 0)
    onLeader(agent, { type: 'stage' }, 0)
    t.strictSame(tick(0), [])
    t.strictSame(tick(3600), [])
    t.strictSame(tick(3601), [{ do: 'kill', slot: STAGER }])
    t.match(onExecutorExit(agent, STAGER, 'crashed', 'SIGKILL'), [
      { message: { type: 'unstaged' } },
    ])
    onLeader(agent, { type: 'open' }, 4000)
    t.strictSame(tick(4000), [])
    t.strictSame(tick(4600), [])
    t.strictSame(tick(4601), [{ do: 'kill', slot: 0 }])
    t.strictSame(kinds(onExecutorExit(agent, 0, 'crashed', 'SIGKILL')), ['spawn', 'tell open'])
    t.strictSame(tick(4700), [], 'the next one has its own time')
    onExecutor(agent, 0, { type: 'opened' }, 4700)
    t.strictSame(tick(9000), [])
  },
)
