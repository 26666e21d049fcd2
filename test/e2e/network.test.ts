import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { isHeld, letGo, pause, slowExp, until } from './slow-sweep.js'
import { processes } from './sweep.js'
import { routed, routeThrough, startProxy, type Fault } from './tcp-proxy.js'

/** Agents reach their leader through a TCP proxy that misbehaves while RUN R0 is in the middle of an epoch. */
t.jobs = 4 // they wait most of the time

const TWO = [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }]

async function begin(folder: string, LEASE: string, lines: readonly object[] = TWO) {
  const exp = await slowExp(folder, lines, { LEASE })
  const proxy = await startProxy('tcp://127.0.0.1:1')
  const leader = startLeader(exp)
  const route = routeThrough(proxy, exp)
  await routed(proxy, exp)
  const agent = startAgent(exp, 1)
  await isHeld(exp, 'R0')
  const end = async () => {
    const { status } = await leader.ended
    await gone(exp)
    route.stop()
    await proxy.close()
    return status
  }
  return { exp, proxy, leader, agent, end }
}

/** Shorter than the lease: nobody loses anything. */
const SHORT: readonly { fault: Fault; seconds: number; lease?: string }[] = [
  { fault: { type: 'drop', way: 'both' }, seconds: 3 },
  { fault: { type: 'drop', way: 'to-leader' }, seconds: 3 },
  { fault: { type: 'drop', way: 'to-agent' }, seconds: 3 },
  { fault: { type: 'loss', share: 0.3, ms: 500 }, seconds: 5 },
  { fault: { type: 'resets', share: 0.3 }, seconds: 4 },
  { fault: { type: 'flap', ms: 200 }, seconds: 4 },
  // longer than the lease: those who find a dead connection open another one in time
  { fault: { type: 'half-open', closed: 'leader' }, seconds: 8 },
  { fault: { type: 'half-open', closed: 'agent' }, seconds: 8 },
  { fault: { type: 'delay', ms: 5000 }, seconds: 12, lease: '1,8,16' },
]
for (const { fault, seconds, lease = '0.5,2,6' } of SHORT)
  t.test(`for ${seconds} s ${JSON.stringify(fault)}: nothing is lost`, async t => {
    const { exp, proxy, end } = await begin(t.testdir({}), lease)
    proxy.set(fault)
    await pause(seconds)
    proxy.set({ type: 'pass' })
    letGo(exp, 'R0')
    t.equal(await end(), 0)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 2, fates: {} })
    t.strictSame(attempts(exp), { R0: 1, R1: 1 })
    t.equal(found.begun, found.epochs, 'no epoch was trained twice')
  })

for (const way of ['both', 'to-leader', 'to-agent'] as const)
  t.test(`cut off for longer than the lease, ${way}: the agent stops itself`, async t => {
    const { exp, proxy, end } = await begin(t.testdir({}), '0.3,0.8,2')
    const executors = () => processes(exp).filter(p => p.kind === 'executor')
    const [first] = executors()
    proxy.set({ type: 'drop', way })
    await until(() => executors().every(p => p.pid !== first?.pid))
    proxy.set({ type: 'pass' })
    t.equal(await end(), 0)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 2, fates: { 'node-lost': 1 } })
    t.strictSame(attempts(exp), { R0: 2, R1: 1 })
    t.equal(found.begun - found.epochs, 1, 'the epoch that it was in')
  })

t.test('the last words do not arrive: the agent sees that its leader has ended', async t => {
  // a lease so long that nothing else could end it
  const { exp, proxy, agent, end } = await begin(t.testdir({}), '0.3,0.6,600', [TWO[0]!])
  proxy.set({ type: 'drop', way: 'to-agent' })
  letGo(exp, 'R0')
  t.equal((await agent.ended).status, 0)
  t.equal(await end(), 0)
  t.strictSame(invariants(exp).problems, [])
})
