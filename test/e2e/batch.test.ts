import * as fs from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { invariants } from './invariants.js'
import { hasMarker, HELD_LONG, isHeld, letGo, log, slowFiles } from './slow-sweep.js'
import { processes, start, upfHeds } from './sweep.js'

/** The command line on a batch site, whose scheduler and launcher are small programs that stand for PBS and PALS. */
const PBS = resolve('test/e2e/pbs')
const SWEEP = ['polaris', 'upf.txt', 'dflts.json', '--project', 'UPF', '--data-source', 'data']
const RANKS = ['--procs', '3', '--ppn', '2', '--threads', '1', '--lease', '0.5,2,4']

function site(t: Test, lines: readonly object[]) {
  const cwd = t.testdir({ ...slowFiles(lines), pbs: {} })
  const env = { PATH: `${PBS}${delimiter}${process.env['PATH']}`, FAKE_PBS: join(cwd, 'pbs') }
  const call = (...args: string[]) => upfHeds(args, cwd, env)
  return { cwd, env, call, exp: join(cwd, 'out/EXP001') }
}

// the first takes half a minute, and most of it is waited for: the others run beside it, one after the other
t.jobs = 2
const beside = () => ({ buffered: true }) // the runner writes into what it is given

t.test('jobs that are too short, in a chain: each but the last exits 6', beside(), async t => {
  const lines = ['R0', 'R1'].map(id => ({ id, epochs: 18, epochSeconds: 1 }))
  const { cwd, env, call, exp } = site(t, lines)
  // 30 s are kept for the last checkpoint; a reservation has limits of its own
  const short = ['--queue', 'R1234567', '--walltime', '0:00:44', '--chain', '6']
  t.equal(call(...SWEEP, ...RANKS, ...short).status, 0)
  t.equal((await start(['wait', 'EXP001', '--every', '1'], cwd, env).ended).status, 0)
  const ids = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim().split('\n')
  const ends = ids.map(id => fs.readFileSync(join(cwd, 'pbs', `${id}.rc`), 'utf8').trim())
  t.match(ends.join(' '), /^6( 6)*( 0)+$/)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.equal(found.finished, 2)
  const short6 = ends.filter(end => end === '6').length
  t.ok(found.begun - found.epochs <= short6 * lines.length, 'an epoch a job and RUN, at most')
})

t.test('submitted, waited for, finished', beside(), async t => {
  const { cwd, call, exp } = site(t, [{ id: 'R0' }, { id: 'R1' }, { id: 'R2' }])
  const hold = join(cwd, 'pbs/hold')
  fs.writeFileSync(hold, '')
  const { status, stdout, stderr } = call(...SWEEP, ...RANKS)
  t.equal(status, 0, stderr)
  const id = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim()
  t.match(stdout, `job ${id} submitted: 2 nodes for 0:30:00`)
  const queued = `${id} queued: Not Running: Insufficient amount of resource: ncpus`
  t.match(call('progress', 'EXP001').stdout, new RegExp(`^JOB: +${queued}$`, 'm'))
  t.match(JSON.parse(call('progress', 'EXP001', '--json').stdout), {
    jobs: [{ id, state: 'queued' }],
  })
  fs.rmSync(hold)
  const waited = call('wait', 'EXP001', '--every', '1')
  t.match(waited, { status: 0, stdout: 'EXP001 has ended: all RUNs finished' })
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.equal(found.finished, 3)
  t.match(JSON.parse(call('progress', 'EXP001', '--json').stdout), { job: id.split('.')[0] })
  t.match(call('resume', 'EXP001').stdout, /nothing left to do/, 'no job for nothing')
})

t.test('cancelled in the middle; resume submits the rest', beside(), async t => {
  const { call, exp } = site(t, [{ id: 'R0' }, HELD_LONG])
  t.equal(call(...SWEEP, ...RANKS).status, 0)
  await isHeld(exp, 'R1')
  t.equal(call('cancel', 'EXP001').status, 0)
  t.match(call('wait', 'EXP001', '--every', '1'), { status: 6, stdout: /has ended: SIGTERM/ })
  t.notOk(hasMarker(exp, 'R1'))
  letGo(exp, 'R1')
  const first = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8')
  t.match(call('resume', 'EXP001'), { status: 0, stdout: /submitted: 2 nodes/ })
  t.not(fs.readFileSync(join(exp, 'jobid.txt'), 'utf8'), first)
  t.equal(call('wait', 'EXP001', '--every', '1').status, 0)
  t.strictSame(invariants(exp).problems, [])
})

t.test(
  'a chain: the next job goes on where one was ended, and none begins when all is done',
  beside(),
  async t => {
    const { cwd, call, exp } = site(t, [{ id: 'R0' }, { id: 'R1', hold: 'mid-epoch' }])
    const { stdout } = call(...SWEEP, ...RANKS, '--chain', '3')
    t.match(stdout, /a chain of jobs \d+\.fake, \d+\.fake, \d+\.fake submitted/)
    const ids = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim().split('\n')
    await isHeld(exp, 'R1')
    t.match(call('resume', 'EXP001'), { status: 2, stderr: `job ${ids[0]} of it is in the queue` })
    const { pid } = JSON.parse(fs.readFileSync(join(exp, '.engine/lock/holder.json'), 'utf8'))
    letGo(exp, 'R1')
    process.kill(Number(pid), 'SIGTERM') // as the walltime does
    t.equal(call('wait', 'EXP001', '--every', '1').status, 0)
    const ends = ids.map(id => fs.readFileSync(join(cwd, 'pbs', `${id}.rc`), 'utf8').trim())
    t.strictSame(ends, ['6', '0', '0'])
    t.strictSame(fs.readdirSync(join(exp, '.engine/epochs')).sort(), ['1', '2'], 'two leaders')
    t.strictSame(invariants(exp).problems, [])
    t.match(call(...SWEEP, '--chain', '0'), { status: 2, stderr: /--chain is 0, want jobs/ })
  },
)

t.test(
  'one agent a node: one that is killed is started again; nobody else is',
  beside(),
  async t => {
    const lines = ['R0', 'R1', 'R2', 'R3'].map(id => ({ id, hold: 'mid-epoch' }))
    const { call, exp } = site(t, lines)
    const nodes = ['--ranks', 'node', '--procs', '5', '--ppn', '2', '--threads', '1']
    const job = call(...SWEEP, ...nodes, '--queue', 'debug-scaling', '--lease', '0.5,2,4')
    t.match(job, { status: 0, stdout: /submitted: 3 nodes/ })
    for (const { id } of lines) await isHeld(exp, id)
    const agents = processes(exp).filter(p => p.kind === 'agent')
    t.equal(agents.length, 3, 'of one, two and one executors')
    process.kill(agents[0]!.pid, 'SIGKILL')
    for (const { id } of lines) letGo(exp, id)
    t.equal(call('wait', 'EXP001', '--every', '1').status, 0)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.equal(found.finished, 4)
    const logs = [1, 2, 3].map(rank => log(exp, rank))
    t.equal(logs.filter(text => /died of SIGKILL; it is started again/.test(text)).length, 1)
    t.equal(logs.join('').match(/ on \S+, process \d+, leader epoch 1$/gm)?.length, 4)
  },
)

t.test('what cannot be submitted is told in one line', beside(), async t => {
  const { cwd, env, call, exp } = site(t, [{ id: 'R0' }])
  const none = upfHeds([...SWEEP, ...RANKS], cwd)
  t.match(none, {
    status: 4,
    stderr: /qsub is not on this machine\nhint: The EXP is made; .*resume/,
  })
  t.ok(fs.existsSync(join(exp, 'job.sh')), 'the script is there to be looked at')
  t.match(call('wait', 'EXP001'), { status: 2, stderr: /no job of it was submitted/ })
  t.match(call('resume', 'EXP001'), { status: 0, stdout: /submitted/ })
  t.equal(call('wait', 'EXP001', '--every', '1').status, 0)

  const later = call('wait', 'EXP001', '--every', '1m')
  t.match(later, { status: 2, stderr: /--every is NaN, want seconds from 1 to 3600/ })
  const refusing = join(cwd, 'bin')
  fs.mkdirSync(refusing)
  const text = '#!/bin/sh\necho "qsub: Invalid account" >&2\nexit 1\n'
  fs.writeFileSync(join(refusing, 'qsub'), text, { mode: 0o755 })
  const refused = upfHeds([...SWEEP, ...RANKS], cwd, { ...env, PATH: `${refusing}:${env.PATH}` })
  t.match(refused, { status: 4, stderr: /^upf-heds: qsub: Invalid account\nhint: The EXP is made/ })

  // who cannot be asked has not said that the job is gone
  const silent =
    '#!/bin/sh\necho "Connection refused" >&2\necho "qstat: cannot connect to server" >&2\nexit 1\n'
  fs.writeFileSync(join(refusing, 'qstat'), silent, { mode: 0o755 })
  for (const word of ['wait', 'cancel', 'resume']) {
    const path = `${refusing}:${env.PATH}`
    const unknown = upfHeds([word, 'EXP001'], cwd, { ...env, PATH: path })
    t.match(unknown, { status: 4, stderr: /^upf-heds: qstat: cannot connect to server\n/ }, word)
  }

  const before = fs.readdirSync(join(cwd, 'out'))
  t.match(call(...SWEEP, '--procs', '100'), { status: 2, stderr: /25 nodes .* queue debug takes/ })
  t.match(call(...SWEEP.slice(0, 3), '--data-source', 'data'), { status: 2, stderr: /PROJECT/ })
  t.match(call(...SWEEP, '--dry-run').stdout, /^#PBS -l select=2:system=polaris$/m)
  t.strictSame(fs.readdirSync(join(cwd, 'out')), before, 'no EXP was made for these')
})
