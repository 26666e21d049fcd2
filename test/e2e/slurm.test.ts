import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { placeOf } from './lab.js'
import { hasMarker, HELD_LONG, isHeld, letGo, pause, slowFiles } from './slow-sweep.js'
import { startSlurm } from './slurm.js'
import { BIN, processes, resultBytes, upfHeds } from './sweep.js'

/** A real Slurm. `LONG=1` adds what takes minutes. */

const RANKS = ['--procs', '5', '--ppn', '2', '--threads', '1', '--lease', '0.5,2,4']
const SWEEP = ['slurm', 'upf.txt', 'dflts.json', '--data-source', 'data', '--walltime', '5:00']
const ALL = ['R0', 'R1', 'R2', 'R3']
const HELD = ALL.map(id => ({ id, hold: 'mid-epoch' }))

/** What takes minutes is left out as a rule. */
function isLong(t: Test): boolean {
  if (process.env['LONG'] !== undefined) return true
  t.pass('left out', { skip: 'LONG=1 runs it: some minutes' })
  return false
}

/** @returns undefined where there can be none: the test says so and is left out */
async function slurm(t: Test, on: 'one host' | 'several', files: Parameters<Test['testdir']>[0]) {
  const cwd = t.testdir(files)
  const cluster = await startSlurm(on)
  t.teardown(() => cluster.down())
  if (cluster.missing !== undefined) {
    t.pass('left out', { skip: `no Slurm of ${on} here: ${cluster.missing}` })
    return undefined
  }
  const { env, hosts } = cluster
  const before = cluster.on(cwd)
  const call = (...args: string[]) => upfHeds(args, cwd, env, before)
  const control = (...args: string[]) => {
    const [program, ...words] = [...before, ...args]
    return execFileSync(program!, words, { env: { ...process.env, ...env } }).toString()
  }
  return { cwd, call, control, hosts, exp: join(cwd, 'out/EXP001') }
}

t.test('three nodes, cancelled in the middle, resumed', async t => {
  const lines = [{ id: 'R0' }, HELD_LONG, { id: 'R2' }, { id: 'R3' }]
  const cluster = await slurm(t, 'one host', slowFiles(lines))
  if (!cluster) return
  const { call, exp } = cluster
  t.match(call(...SWEEP, ...RANKS), { status: 0, stdout: /job \d+ submitted: 3 nodes for 5:00/ })
  await isHeld(exp, 'R1')
  t.match(call('cancel', 'EXP001'), { status: 0 })
  t.match(call('wait', 'EXP001', '--every', '1'), { status: 6, stdout: /has ended: SIGTERM/ })
  t.notOk(hasMarker(exp, 'R1'))
  letGo(exp, 'R1')
  t.match(call('resume', 'EXP001'), { status: 0, stdout: /submitted/ })
  t.match(call('wait', 'EXP001', '--every', '1'), { status: 0, stdout: /all RUNs finished/ })
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.equal(found.finished, 4)
  const ranks = fs.readdirSync(join(exp, 'out')).filter(name => name.startsWith('out-'))
  t.equal(ranks.length, 5, 'every rank found its place')

  const wrong = call(...SWEEP, ...RANKS, '--queue', 'nowhere')
  t.match(wrong, { status: 4, stderr: /sbatch: error: .*(partition|Batch)/ })
})

t.test('three hosts, with the variables of PALS: the bytes of local', async t => {
  const cluster = await slurm(t, 'several', {
    'upf.txt': [0, 7, 11].map(i => `{"id": "RUN00${i}", "index": ${i}}\n`).join(''),
    'dflts.json': JSON.stringify({
      ...{ epochs: 3, batch_size: 32, hyperparam_space: 'block', learning_rate: 3e-5 },
      ...{ canc_arch: [32, 32], drug_arch: [32, 32], interaction_arch: [32, 32] },
    }),
  })
  if (!cluster) return
  const { call, control, hosts, cwd } = cluster
  upfHeds(['data', 'demo', 'data'], cwd)
  const same = ['--threads', '1', '--backend', 'ort']
  t.equal(upfHeds(['local', ...SWEEP.slice(1, 5), ...same], cwd).status, 0)
  const flags = ['--procs', '6', '--ppn', '2', '--launcher-flags=--mpi=cray_shasta', ...same]
  t.match(call(...SWEEP, ...flags), { status: 0, stdout: /submitted: 3 nodes/ })
  t.equal(call('wait', 'EXP002', '--every', '1').status, 0)
  const [local, spread] = ['EXP001', 'EXP002'].map(name => join(cwd, 'out', name))
  t.strictSame(resultBytes(spread!), resultBytes(local!))
  t.notOk(Object.values(resultBytes(spread!)).includes('missing'))
  const ranks = fs.readdirSync(join(spread!, 'out')).filter(name => name.startsWith('out-'))
  t.equal(ranks.length, 6, 'every rank found its place')

  const stage = [process.execPath, BIN, 'stage', '--json', 'data', '/tmp/staged']
  const ranks6 = ['--nodes=3', '--ntasks=6', '--ntasks-per-node=2']
  const srun = ['srun', ...ranks6, '--mpi=cray_shasta', `--chdir=${cwd}`]
  const told = JSON.parse(control(...srun, ...stage)) as { bytes: number; read: number }
  t.match(told, { read: told.bytes, nodes: 3, lacking: [] }, 'read once for three nodes')
  for (const host of ['h2', 'h3', 'h4'])
    hosts!.run(host, `diff -r ${join(cwd, 'data')} /tmp/staged/data`)
})

t.test('three hosts, one crashes: its RUNs run elsewhere, the job ends with 0', async t => {
  const cluster = await slurm(t, 'several', slowFiles(HELD))
  if (!cluster) return
  const { call, control, hosts, exp } = cluster
  t.equal(call(...SWEEP, ...RANKS).status, 0)
  for (const run of ALL) await isHeld(exp, run)
  const leader = JSON.parse(fs.readFileSync(join(exp, '.engine/lock/holder.json'), 'utf8')).host
  const victim = placeOf(
    exp,
    ALL.find(run => placeOf(exp, run).host !== leader)!,
  ).host
  const lost = ALL.filter(run => placeOf(exp, run).host === victim)
  hosts!.kill(victim)
  for (const run of ALL) letGo(exp, run)
  t.match(call('wait', 'EXP001', '--every', '1'), { status: 0, stdout: /all RUNs finished/ })
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.equal(found.finished, 4)
  for (const run of ALL) t.equal(attempts(exp)[run], lost.includes(run) ? 2 : 1, run)
  const id = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim()
  t.match(control('scontrol', 'show', 'job', id), /ExitCode=0:0/)
})

t.test('three hosts: one is cut off for nine seconds, another for good', async t => {
  if (!isLong(t)) return
  const cluster = await slurm(t, 'several', slowFiles(HELD))
  if (!cluster) return
  const { call, hosts, exp } = cluster
  t.equal(call(...SWEEP, ...RANKS, '--lease', '1,3,6').status, 0)
  for (const run of ALL) await isHeld(exp, run)
  const leader = JSON.parse(fs.readFileSync(join(exp, '.engine/lock/holder.json'), 'utf8')).host
  const away = ALL.filter(run => placeOf(exp, run).host !== leader)
  const [first, second] = new Set(away.map(run => placeOf(exp, run).host))
  hosts!.cut(first!)
  hosts!.cut(second!)
  await pause(9)
  hosts!.heal(first!)
  for (const run of ALL) letGo(exp, run)
  t.match(call('wait', 'EXP001', '--every', '1'), { status: 0, stdout: /all RUNs finished/ })
  await gone(exp, 30)
  const found = invariants(exp)
  t.strictSame(found.problems, [])
  t.match(found, { finished: 4, fates: { 'node-lost': away.length } })
})

t.test(
  'three hosts: requeued, then the leader’s node crashes; the job goes on by itself',
  async t => {
    if (!isLong(t)) return
    const cluster = await slurm(t, 'several', slowFiles(HELD))
    if (!cluster) return
    const { call, control, hosts, exp } = cluster
    // two nodes, so that one is left to begin again on
    t.equal(call(...SWEEP, ...RANKS, '--procs', '4').status, 0)
    for (const run of ALL.slice(0, 3)) await isHeld(exp, run)
    const id = fs.readFileSync(join(exp, 'jobid.txt'), 'utf8').trim()
    control('scontrol', 'requeue', id)
    await gone(exp, 30)
    t.strictSame(invariants(exp).problems, [])
    letGo(exp, 'R0')
    letGo(exp, 'R1')
    letGo(exp, 'R2')
    await isHeld(exp, 'R3')
    const leader = JSON.parse(fs.readFileSync(join(exp, '.engine/lock/holder.json'), 'utf8')).host
    hosts!.kill(leader)
    letGo(exp, 'R3')
    t.match(call('wait', 'EXP001', '--every', '1'), { status: 0, stdout: /all RUNs finished/ })
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.equal(found.finished, 4)
    t.strictSame(processes(exp), [])
  },
)
