import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { startAgent, startLeader } from './ranks.js'
import { hasMarker, isHeld, log, letGo, slowExp, slowFiles, status, until } from './slow-sweep.js'
import { BIN, processes, start, upfHeds } from './sweep.js'

/** What a launcher does wrong, and ranks that come, go and come back. */
t.jobs = 2

t.test('a rank that never starts, one that starts late', async t => {
  const exp = await slowExp(t.testdir({}), [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }], {
    PROCS: '4',
  })
  const leader = startLeader(exp)
  startAgent(exp, 1)
  await isHeld(exp, 'R0')
  startAgent(exp, 2)
  await until(() => hasMarker(exp, 'R1'))
  letGo(exp, 'R0')
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 2, fates: {}, again: 0 })
})

t.test('nodes are lost one by one: the last one finishes the sweep', async t => {
  const lines = [{ id: 'R0', hold: 'mid-epoch' }, ...[1, 2, 3].map(i => ({ id: `R${i}` }))]
  const exp = await slowExp(t.testdir({}), lines, { LEASE: '0.3,0.6,1.5', PROCS: '4' })
  const leader = startLeader(exp)
  const agents = [1, 2, 3].map(rank => startAgent(exp, rank))
  await isHeld(exp, 'R0')
  const holder = Number(
    /rank = (\d+)/.exec(fs.readFileSync(join(exp, 'run/R0/rank.txt'), 'utf8'))?.[1],
  )
  const lost = [agents[holder - 1]!, agents[holder % 3]!]
  for (const agent of lost) agent.kill('SIGKILL')
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  // nobody cleans up on a node that is gone
  const theirs = lost.map(({ pid }) => `left over: ${pid}-`)
  const problems = found.problems.filter(p => !theirs.some(start => p.startsWith(start)))
  t.strictSame(problems, [])
  t.match(found, { finished: 4, failed: 0 })
  t.equal(attempts(exp)['R0'], 2)
})

for (const [variable, same] of [
  ['PBS_JOBID', true],
  ['SLURM_JOB_ID', true],
  ['PBS_JOBID', false],
] as const)
  t.test(`another leader in ${same ? 'the same' : 'another'} job (${variable})`, async t => {
    const exp = await slowExp(t.testdir({}), [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }], {
      LEASE: '0.5,2,10',
    })
    const first = startLeader(exp, { env: { [variable]: '7' } })
    const agent = startAgent(exp, 1)
    await isHeld(exp, 'R0')
    first.kill('SIGKILL')
    await first.ended
    const next = startLeader(exp, { env: { [variable]: same ? '7' : '8' } })
    await until(() => /leader epoch 2 has taken over/.test(log(exp, 1)))
    letGo(exp, 'R0')
    t.equal((await next.ended).status, 0)
    t.equal((await agent.ended).status, 0)
    await gone(exp)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.equal(found.finished, 2)
    if (same) t.equal(found.begun, found.epochs, 'it kept its RUN: no epoch was lost')
    t.equal(attempts(exp)['R0'], same ? 1 : 2)
  })

t.test('two processes with one rank id: one serves, the other leaves', async t => {
  const lines = [0, 1, 2].map(i => ({ id: `R${i}`, epochs: 6, epochSeconds: 0.3 }))
  const exp = await slowExp(t.testdir({}), lines)
  const leader = startLeader(exp)
  const agents = [startAgent(exp, 1), startAgent(exp, 1)]
  const first = await Promise.race(agents.map(agent => agent.ended))
  t.equal(first.status, 0, 'its launcher must not end the job')
  t.ok(leader.running(), 'long before the end')
  t.match(log(exp, 1), /refused by the leader: rank 1 is process \d+/)
  t.equal((await leader.ended).status, 0)
  await gone(exp)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 3, failed: 0 })
  t.ok(found.again <= 1, 'at most the RUN that the one that left had in hand')
})

t.test('all ranks have gone for good: the leader does not wait for the end of the job', async t => {
  const exp = await slowExp(t.testdir({}), [{ id: 'R0', hold: 'mid-epoch' }], {
    LEASE: '0.2,0.4,0.8',
  })
  const leader = startLeader(exp)
  const agent = startAgent(exp, 1)
  await isHeld(exp, 'R0')
  agent.kill('SIGKILL')
  t.equal((await leader.ended).status, 6)
  t.match(status(exp), { exit: 6, reason: 'no worker is left', notStarted: 1 })
  await gone(exp)
})

t.test('an agent that died before there was a leader to be told does it no harm', async t => {
  const exp = await slowExp(t.testdir({}), [{ id: 'R0' }])
  const args = [BIN, 'rank', '--exp', exp, '--rank', '0', '--epoch', '1', '--lifeline']
  const leader = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
  })
  const tell = (message: object) =>
    (leader.stdio[3] as Writable).write(`${JSON.stringify(message)}\n`)
  tell({ type: 'exit', rank: 1, pid: 1, how: 'exit 1' })
  tell({ type: 'no-workers' })
  const status = await new Promise(done => leader.on('exit', done))
  t.equal(status, 6)
  await gone(exp)
})

t.test('too few descriptors for the ranks: refused before it begins', async t => {
  const cwd = t.testdir(slowFiles([{ id: 'R0' }]))
  const args = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '64']
  const words = [process.execPath, BIN, ...args].map(word => `'${word}'`).join(' ')
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `ulimit -n 100; exec ${words}`], {
    cwd,
    encoding: 'utf8',
  })
  t.equal(status, 2, stderr)
  t.match(stdout + stderr, /64 ranks need 192 open files, the limit .* is 100/)
  t.match(stdout + stderr, /ulimit -n 192/)
  t.notOk(fs.existsSync(join(cwd, 'out/EXP001')), 'no EXP was made')
})

t.test('the walltime ends: what runs is saved, exit 6, and resume goes on', async t => {
  const cwd = t.testdir(
    slowFiles([
      { id: 'R0', epochs: 20, epochSeconds: 0.5 },
      { id: 'R1', epochs: 1 },
    ]),
  )
  // 30 s are kept for the last checkpoint
  const running = start(
    [
      ...['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1'],
      ...['--walltime', '0:00:34', '--tmp-root', join(cwd, 'tmp')],
    ],
    cwd,
  )
  const { status, stdout } = await running.ended
  t.equal(status, 6)
  t.match(stdout, /the walltime ends in \d+ s/)
  const exp = join(cwd, 'out/EXP001')
  await gone(exp)
  const stopped = invariants(exp)
  t.strictSame(stopped.problems, [])
  t.match(stopped.fates, { walltime: 1 })
  t.notOk(fs.existsSync(join(exp, 'run/R0/error.json')), 'it is nobody’s fault')
  // two such windows would not do: the ranks must hear of the longer one
  t.equal(upfHeds(['resume', exp, '--walltime', '0:10:00'], cwd).status, 0)
  const resumed = invariants(exp)
  t.strictSame(resumed.problems, [])
  t.match(resumed, { finished: 2, failed: 0 })
  t.ok(resumed.begun - resumed.epochs <= 1, 'the epoch that it was in, at most')
})

t.test('each executor is bound to its own cores', async t => {
  const lines = ['R0', 'R1'].map(id => ({ id, hold: 'mid-epoch' }))
  const cwd = t.testdir(slowFiles(lines))
  const exp = join(cwd, 'out/EXP001')
  const cores = /^Cpus_allowed_list:\s+(\d+)/m
  const [first] = cores.exec(fs.readFileSync('/proc/self/status', 'utf8'))!.slice(1)
  const sweep = start(
    [
      ...['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--threads', '1'],
      ...['--procs', '3', '--cpus', `${first}:${first}`],
    ],
    cwd,
  )
  for (const { id } of lines) await isHeld(exp, id)
  const allowed = (pid: number) =>
    /^Cpus_allowed_list:\s+(\S+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const executors = processes(exp).filter(({ kind }) => kind === 'executor')
  t.ok(executors.length >= 2)
  for (const { pid } of executors) t.equal(allowed(pid), first)
  const agent = processes(exp).find(({ kind }) => kind === 'agent')!
  t.equal(allowed(agent.pid), allowed(process.pid), 'not so its agent')
  for (const { id } of lines) letGo(exp, id)
  t.equal((await sweep.ended).status, 0)

  fs.writeFileSync(join(cwd, 'free.txt'), '{"id": "R0"}')
  const free = ['local', 'free.txt', 'dflts.json', '--data-source', 'data', '--cpus', '9999']
  const none = upfHeds(free, cwd)
  t.equal(none.status, 0, 'cores that are not there are no reason not to run')
  t.match(none.stdout, /rank 1: CPUS: 9999 cannot be bound to here; workers run on any core/)
})
