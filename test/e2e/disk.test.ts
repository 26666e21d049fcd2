import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { isHeld, letGo, pause, slowExp, until } from './slow-sweep.js'

/**
 * Each write of a leader, and of an agent with its executor, fails once, or all from there on.
 * EVERY=1 does it for each; without it some are drawn, others each day.
 */
t.jobs = 3

const SHIM = pathToFileURL(resolve('test/e2e/fs-faults.mjs')).href
const CODES = ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT']
const LINES = [{ id: 'R0' }, { id: 'R1' }, { id: 'R2', epochs: 1 }]
/** Of the sweep above on an idle machine: some more than were ever counted. */
const LEADER_WRITES = 60
const AGENT_WRITES = 55

const shim = (folder: string, rest: NodeJS.ProcessEnv) => ({
  NODE_OPTIONS: `--import=${SHIM}`,
  FS_FAULT_DIR: folder,
  ...rest,
})

/** Which writes fail: each `every`-th, beginning somewhere. */
function drawn(writes: number, every: number): number[] {
  const step = Number(process.env['EVERY'] ?? every)
  const first = 1 + Math.floor(Math.random() * step)
  return Array.from({ length: Math.floor((writes - first) / step) + 1 }, (_, i) => first + i * step)
}

for (const at of drawn(LEADER_WRITES, 8))
  t.test(`write ${at} of the leader fails: nothing is lost`, async t => {
    const exp = await slowExp(t.testdir({}), LINES)
    const code = CODES[at % CODES.length]!
    const env = shim(exp, { FS_FAULT_AT: String(at), FS_FAULT_CODE: code })
    const leader = startLeader(exp, { env })
    const agent = startAgent(exp, 1)
    const { status, stderr } = await leader.ended
    // 0: it tried again; 2: it could not begin, and says why
    t.ok(status === 0 || status === 2, `exit ${status}`)
    if (status === 2) {
      t.match(stderr, new RegExp(`cannot be (written|made): .*${code}`), 'it names the cause')
      t.equal((await startLeader(exp).ended).status, 0, 'resumed')
    }
    t.equal((await agent.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 3, failed: 0 })
    t.strictSame(attempts(exp), { R0: 1, R1: 1, R2: 1 })
  })

for (const at of drawn(AGENT_WRITES, 10))
  t.test(`write ${at} of the agent and of its executor fails: nothing is lost`, async t => {
    const exp = await slowExp(t.testdir({}), LINES)
    const code = CODES[at % CODES.length]!
    const leader = startLeader(exp)
    startAgent(exp, 1, { env: shim(exp, { FS_FAULT_AT: String(at), FS_FAULT_CODE: code }) })
    t.equal((await leader.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 3, failed: 0 })
    t.ok(found.again <= 1 && found.begun - found.epochs <= 1, 'one attempt and its epoch at most')
  })

t.test('the disk stays full: the sweep stops in order and is resumed', async t => {
  const folder = t.testdir({})
  const exp = await slowExp(folder, [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }])
  const flag = join(folder, 'disk')
  const env = shim(exp, { FS_FAULT_WHILE: flag })
  const leader = startLeader(exp, { env })
  const agent = startAgent(exp, 1, { env })
  await isHeld(exp, 'R0')
  fs.writeFileSync(flag, 'ENOSPC')
  letGo(exp, 'R0') // it cannot be saved; the next attempt cannot begin, nor be written down
  t.equal((await leader.ended).status, 6)
  t.equal((await agent.ended).status, 0)
  fs.rmSync(flag)
  const next = startLeader(exp)
  startAgent(exp, 1)
  t.equal((await next.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 2, failed: 0 })
})

t.test('the journal fits and the files of RUNs do not: the sweep stops, none fails', async t => {
  const folder = t.testdir({})
  const exp = await slowExp(folder, LINES)
  const flag = join(folder, 'disk')
  fs.writeFileSync(flag, 'ENOSPC')
  const leader = startLeader(exp)
  const agent = startAgent(exp, 1, { env: shim(join(exp, 'run'), { FS_FAULT_WHILE: flag }) })
  t.equal((await leader.ended).status, 6)
  t.equal((await agent.ended).status, 0)
  await gone(exp)
  t.match(
    fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'),
    /^\S+ \S+ R0: the disk cannot be written: ENOSPC: [^\n]*; free: \d+ MB in [^\n]*\/run[^\n]*\n$/,
    'one alert, which names the folder',
  )
  const stopped = invariants(exp)
  t.strictSame(stopped.problems, [])
  t.match(stopped, { finished: 0, failed: 0, left: 3, fates: { 'no-disk': 2 } })
  fs.rmSync(flag)
  const next = startLeader(exp)
  startAgent(exp, 1)
  t.equal((await next.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 3, failed: 0 })
})

t.test(
  'the node-local disk is full: one line names the folder, and the sweep is resumed',
  async t => {
    const folder = t.testdir({})
    const exp = await slowExp(folder, LINES)
    const flag = join(folder, 'disk')
    fs.writeFileSync(flag, 'ENOSPC')
    const leader = startLeader(exp)
    const agents = [1, 2].map(rank =>
      startAgent(exp, rank, { env: shim(join(folder, 'tmp'), { FS_FAULT_WHILE: flag }) }),
    )
    t.equal((await leader.ended).status, 6)
    for (const agent of agents) t.equal((await agent.ended).status, 0)
    await gone(exp)
    const alerts = fs.readFileSync(join(exp, 'alerts.txt'), 'utf8')
    t.match(alerts, /^[^\n]*ENOSPC[^\n]*; free: \d+ MB in [^\n]*\n$/)
    t.match(alerts, join(folder, 'tmp'))
    fs.rmSync(flag)
    const next = startLeader(exp)
    startAgent(exp, 1)
    t.equal((await next.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.match(found, { finished: 3, failed: 0 })
  },
)

t.test('the file system freezes for longer than the lease: heartbeats go on', async t => {
  const folder = t.testdir({})
  const exp = await slowExp(folder, [{ id: 'R0', epochs: 8, epochSeconds: 0.1 }, { id: 'R1' }], {
    LEASE: '0.3,0.8,2',
  })
  const flag = join(folder, 'disk')
  const env = shim(exp, { FS_FAULT_WHILE: flag })
  const leader = startLeader(exp, { env })
  startAgent(exp, 1, { env })
  const trained = join(exp, 'run/R0/trained.txt')
  await until(() => fs.existsSync(trained))
  fs.writeFileSync(flag, 'FREEZE')
  await pause(5)
  fs.rmSync(flag)
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 2, fates: {}, again: 0 })
  t.strictSame(attempts(exp), { R0: 1, R1: 1 })
})
