import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { gone, invariants } from './invariants.js'
import { hasMarker, isHeld, letGo, log, slowExp, until } from './slow-sweep.js'
import { BIN, processes, type Process } from './sweep.js'

/** Shields as Hydra starts them, without Hydra. */
function startShield(t: Test, exp: string, rank: number) {
  const argv = [BIN, 'rank', '--shield', '--exp', exp, '--epoch', '1']
  const env = {
    ...process.env,
    PMI_RANK: String(rank),
    PMI_SIZE: '3',
    MPI_LOCALRANKID: String(rank),
  }
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const said: Buffer[] = []
  child.stderr.on('data', (text: Buffer) => said.push(text))
  return new Promise<{ code: number | null; stderr: string; pid: number }>(done =>
    child.on('exit', code =>
      done({ code, stderr: Buffer.concat(said).toString(), pid: child.pid! }),
    ),
  )
}

const kindOf = (exp: string, kind: Process['kind']) => processes(exp).filter(p => p.kind === kind)

t.test('a leader that dies for good takes nobody with it, and nobody waits for it', async t => {
  const exp = await slowExp(t.testdir({}), [{ id: 'R0', hold: 'mid-epoch' }, { id: 'R1' }])
  const shields = [0, 1, 2].map(rank => startShield(t, exp, rank))
  await isHeld(exp, 'R0')
  await until(() => hasMarker(exp, 'R1'))
  const leaders = new Set<number>()
  while (leaders.size < 6) {
    const found = kindOf(exp, 'leader').find(({ pid }) => !leaders.has(pid))
    // one that has just begun knows no signal: it dies of it like any other
    if (found && isReady(exp, leaders.size + 1)) {
      leaders.add(found.pid)
      process.kill(found.pid, 'SIGKILL')
    }
    await new Promise(done => setTimeout(done, 50))
  }
  const ended = await Promise.all(shields)
  t.strictSame(
    ended.map(({ code }) => code),
    [0, 0, 0],
  )
  t.match(ended[0]!.stderr, /(rank 0 on \S+ died of SIGKILL; it is started again\n.*){5}/)
  t.match(ended[0]!.stderr, /rank 0 on \S+ died of SIGKILL; it is not started again\n/)
  for (const rank of [1, 2]) t.match(log(exp, rank), /the leader has ended|died for good/)
  await gone(exp)
  t.notOk(hasMarker(exp, 'R0'), 'what was held is left for the next')
})

t.test('a shield that is killed takes its rank along; the others go on', async t => {
  const lines = [
    { id: 'R0', hold: 'mid-epoch' },
    { id: 'R1', hold: 'mid-epoch' },
  ]
  const exp = await slowExp(t.testdir({}), lines)
  const shields = [0, 1, 2].map(rank => startShield(t, exp, rank))
  for (const { id } of lines) await isHeld(exp, id)
  const [agent] = kindOf(exp, 'agent')
  const stat = fs.readFileSync(`/proc/${agent!.pid}/stat`, 'utf8')
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  process.kill(parent, 'SIGKILL')
  await until(() => !kindOf(exp, 'agent').some(({ pid }) => pid === agent!.pid))
  for (const { id } of lines) letGo(exp, id)
  const codes = (await Promise.all(shields)).map(({ code }) => code)
  t.strictSame(codes.toSorted(), [0, 0, null])
  await gone(exp)
  const found = invariants(exp)
  // nobody cleans up after an agent that is gone for good
  const problems = found.problems.filter(p => !p.startsWith(`left over: ${agent!.pid}-`))
  t.strictSame(problems, [])
  t.match(found, { finished: 2, failed: 0 })
})

/** A leader of that epoch has told where it is. */
function isReady(exp: string, epoch: number): boolean {
  const text = fs.readFileSync(join(exp, '.engine/rendezvous.json'), 'utf8')
  return (JSON.parse(text) as { epoch: number }).epoch >= epoch
}
