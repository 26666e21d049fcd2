import t from 'tap'
import { runId, type RunId } from '../../src/base/ids.js'
import { held, type AgentEffect } from '../../src/engine/agent-state.js'
import { onLeader, onStop } from '../../src/engine/agent.js'
import { onExecutor, onExecutorExit } from '../../src/engine/executor-events.js'
import { DONE, kinds, opened, order } from './agent-rig.js'

// RUNs that are given ahead: in line, in an executor's hands, given back.

/** One RUN that runs, and those given ahead, one by one. */
function withRuns(count: number) {
  const agent = opened()
  const runs = Array.from({ length: count }, (_, i) => runId(`RUN${String(i).padStart(3, '0')}`)!)
  const effects = runs.flatMap(run =>
    onLeader(agent, { type: 'run', slot: 0, order: { ...order(), run } }, 0),
  )
  return { agent, runs, effects }
}

const ordered = (effects: readonly AgentEffect[]) =>
  effects.flatMap(e => (e.do === 'order' ? [e.order.run] : []))

t.test('an executor has 128 RUNs in hand at most, and gets more when 64 are left', async t => {
  const { agent, runs, effects } = withRuns(320)
  t.strictSame(ordered(effects), runs.slice(0, 66), 'the one that runs, and more than 64')
  const ends = Array.from({ length: 320 }, () => ordered(onExecutor(agent, 0, DONE, 0)))
  t.strictSame(ends.flat(), runs.slice(66), 'all, in order')
  t.strictSame(
    ends.map(orders => orders.length).filter(n => n > 0),
    [64, 64, 64, 62],
  )
  t.strictSame(held(agent), [])
})

t.test('RUNs that have not begun are given back when asked for', async t => {
  const { agent, runs } = withRuns(80)
  const ask = (run: RunId) => onLeader(agent, { type: 'withdraw', run, attempt: 1 }, 0)
  const given = (run: RunId) => [{ message: { type: 'ended', run, fate: 'stopped' } }]
  t.match(ask(runs[79]!), given(runs[79]!), 'one in line at once')
  t.strictSame(ask(runs[0]!), [], 'it has begun')
  t.match(ask(runs[2]!), [{ do: 'withdraw', run: runs[2] }], 'one in hand by its executor')
  const back = { type: 'withdrawn', run: runs[2]!, attempt: 1 } as const
  t.match(onExecutor(agent, 0, back, 0), given(runs[2]!))
  t.strictSame(onExecutor(agent, 0, back, 0), [], 'once')
  t.strictSame(
    held(agent).map(h => h.run),
    runs.filter((_, i) => i !== 2 && i !== 79),
  )
})

t.test('an executor that dies takes only the RUN that ran with it', async t => {
  const { agent, runs } = withRuns(7)
  const died = onExecutorExit(agent, 0, 'crashed', 'SIGSEGV')
  t.strictSame(kinds(died), ['record', 'send ended', 'spawn', 'tell open'])
  t.match(died, [{ run: runs[0], fate: 'crashed' }])
  const opened = onExecutor(agent, 0, { type: 'opened' }, 1)
  t.match(
    opened,
    runs.slice(1, 6).map(run => ({ do: 'order', order: { run } })),
  )
})

t.test('told to stop, all that has not begun is given back, also if its executor dies', async t => {
  const { agent, runs } = withRuns(67)
  const told = kinds(onStop(agent, 'stopped', 0))
  t.strictSame(told, ['send ended', ...Array(65).fill('withdraw'), 'stop'])
  onExecutor(agent, 0, { type: 'withdrawn', run: runs[1]!, attempt: 1 }, 0)
  t.strictSame(
    kinds(onExecutor(agent, 0, { type: 'ended', fate: 'stopped', message: '' }, 0)),
    ['send ended', 'stop'],
    'one that has begun by then is stopped too',
  )
  const died = onExecutorExit(agent, 0, 'crashed', 'SIGKILL')
  t.match(
    died,
    runs.slice(2, 66).map(run => ({ message: { run, fate: 'stopped' } })),
  )
  t.strictSame(held(agent), [])
})
