import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { attempts, gone, invariants } from './invariants.js'
import { MPI_LAUNCHERS, placeOf, siteOf, startLab } from './lab.js'
import { HELD_LONG, isHeld, letGo, pause, slowFiles } from './slow-sweep.js'
import { processes, resultBytes, upfHeds } from './sweep.js'

/** Sweeps over several hosts through the launchers of MPI: simulated hosts, real launchers. */

const SLOW = ['upf.txt', 'dflts.json', '--data-source', 'data']
const ALL = ['R0', 'R1', 'R2', 'R3', 'R4']

t.test('result bytes over three hosts are those of local', async t => {
  const lab = await startLab(
    t,
    {
      'upf.txt': [0, 7, 11].map(i => `{"id": "RUN00${i}", "index": ${i}}\n`).join(''),
      'dflts.json': JSON.stringify({
        ...{ epochs: 3, batch_size: 32, hyperparam_space: 'block', learning_rate: 3e-5 },
        ...{ canc_arch: [32, 32], drug_arch: [32, 32], interaction_arch: [32, 32] },
      }),
    },
    { BACKEND: 'ort' },
  )
  if (!lab) return
  const { cwd, call } = lab
  upfHeds(['data', 'demo', 'data'], cwd)
  const local = ['local', ...SLOW, '--threads', '1', '--backend', 'ort']
  t.equal(upfHeds(local, cwd).status, 0)
  const wanted = resultBytes(join(cwd, 'out/EXP001'))
  t.notOk(Object.values(wanted).includes('missing'))
  fs.mkdirSync(join(cwd, 'tools/bin'), { recursive: true })
  fs.writeFileSync(join(cwd, 'tools/bin/tool'), 'of the image')
  t.match(call('env', 'create', 'tools', '--name', 'tools', '--env-dir', 'envs'), { status: 0 })
  const image = ['--env', 'tools', '--env-dir', 'envs']
  for (const [i, name] of MPI_LAUNCHERS.entries()) {
    const { status, stdout, stderr } = call(`${name}.json`, ...SLOW, ...image)
    t.equal(status, 0, stderr)
    t.match(stdout, /3 RUNs finished, 0 failed: all RUNs finished/)
    const exp = join(cwd, `out/EXP00${i + 2}`)
    t.strictSame(resultBytes(exp), wanted, name)
    t.equal(fs.readdirSync(join(exp, 'out')).length, 6, 'every rank has found its place')
    const said = fs.readdirSync(join(exp, 'out')).map(file => read(join(exp, 'out', file)))
    const staged = said.flatMap(text => text.match(/data (?:staged|found) in .*/g) ?? [])
    const given = staged.filter(text => / from h1, \d+\.\d MB$/.test(text))
    t.equal(given.length, i === 0 ? 2 : 0, 'the other hosts have the data from that of the leader')
    t.ok(i === 0 || staged.every(text => text.includes('found')), 'and keep it')
    const unpacked = said.flatMap(text => text.match(/image .*unpacked in .*/g) ?? [])
    const sent = unpacked.filter(text => text.endsWith(', from h1'))
    t.strictSame([unpacked.length, sent.length], i === 0 ? [3, 2] : [0, 0], 'the image likewise')
    await gone(exp)
  }
})

for (const name of MPI_LAUNCHERS)
  t.test(
    `${name}: an agent is killed, all of a host, then the leader; the sweep goes on`,
    async t => {
      const lines = ALL.map(id => ({ id, hold: 'mid-epoch' }))
      const lab = await startLab(t, slowFiles(lines))
      if (!lab) return
      const exp = join(lab.cwd, 'out/EXP001')
      const sweep = lab.start(`${name}.json`, ...SLOW)
      for (const run of ALL) await isHeld(exp, run)
      const [agent] = ALL.filter(run => placeOf(exp, run).host === 'h2')
      const lost = ALL.filter(run => placeOf(exp, run).host === 'h3')
      t.equal(lost.length, 2, 'two workers a host')
      const victim = processes(exp).find(
        p => p.kind === 'agent' && rankOf(p.pid) === placeOf(exp, agent!).rank,
      )
      process.kill(victim!.pid, 'SIGKILL')
      lab.hosts.kill('h3')
      process.kill(processes(exp).find(p => p.kind === 'leader')!.pid, 'SIGKILL')
      for (const run of ALL) letGo(exp, run)
      const { status, stdout, stderr } = await sweep.ended
      t.equal(status, 0, stdout + stderr)
      t.match(stderr, /h3: .*; what ran there runs elsewhere/)
      await gone(exp)
      const found = invariants(exp)
      t.strictSame(found.problems, [])
      t.equal(found.finished, ALL.length)
      const given = attempts(exp)
      for (const run of ALL) {
        const again = run === agent || lost.includes(run)
        t.equal(given[run], again ? 2 : 1, `${run} on ${placeOf(exp, run).host}`)
      }
    },
  )

// from here on two at a time: hosts of two tests never meet, and a cut is mostly waited for
t.jobs = 2
const beside = () => ({ buffered: true }) // the runner writes into what it is given

/** Left out as a rule: it takes half a minute each. */
const CUT = process.env['LONG'] === undefined ? (['openmpi'] as const) : MPI_LAUNCHERS

for (const name of CUT)
  t.test(`${name}: a host is cut off for nine seconds, another for good`, beside(), async t => {
    const lines = ALL.map(id => ({ id, hold: 'mid-epoch' }))
    const lab = await startLab(t, slowFiles(lines), { LEASE: '1,3,6' })
    if (!lab) return
    const exp = join(lab.cwd, 'out/EXP001')
    const sweep = lab.start(`${name}.json`, ...SLOW)
    for (const run of ALL) await isHeld(exp, run)
    const away = ALL.filter(run => placeOf(exp, run).host !== 'h1')
    lab.hosts.cut('h2')
    lab.hosts.cut('h3')
    await pause(9)
    lab.hosts.heal('h2')
    for (const run of ALL) letGo(exp, run)
    const { status, stdout, stderr } = await sweep.ended
    t.equal(status, 0, stdout + stderr)
    await gone(exp, 20)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.equal(found.finished, ALL.length)
    t.match(found.fates, { 'node-lost': away.length })
  })

t.test(
  'hosts of several networks: one that leads nowhere, one that leads to oneself',
  beside(),
  async t => {
    const lab = await startLab(t, slowFiles([{ id: 'R0' }, { id: 'R1' }, { id: 'R2' }]))
    if (!lab) return
    for (const [i, host] of lab.hosts.names.entries())
      for (const [name, address] of [
        ['docker0', '172.17.0.1/16'], // every host has this one
        ['lan0', `192.168.5.${i + 1}/24`],
      ] as const) {
        const link = `ip link add ${name} type bridge && ip link set ${name} up`
        lab.hosts.run(host, `${link} && ip addr add ${address} dev ${name}`)
      }
    for (const [i, name] of ['docker0', 'lan0', 'eth0'].entries()) {
      const { status, stderr } = lab.call('hydra.json', ...SLOW, '--interface', name)
      t.equal(status, 0, stderr)
      const exp = join(lab.cwd, `out/EXP00${i + 1}`)
      const { addresses } = JSON.parse(
        fs.readFileSync(join(exp, '.engine/rendezvous.json'), 'utf8'),
      )
      t.equal(addresses.length, 3, 'it listens on all of them')
      const first = { docker0: '172.17.0.1', lan0: '192.168.5.1', eth0: '10.77.0.1' }[name]
      if (first !== undefined) t.match(addresses[0], `tcp://${first}:`, `${name} is preferred`)
      await gone(exp)
      t.strictSame(invariants(exp).problems, [])
    }
  },
)

t.test('in a job of PBS: the job calls the launcher for each of its hosts', beside(), async t => {
  const lab = await startLab(t, { ...slowFiles([{ id: 'R0' }, { id: 'R1' }]), pbs: {} })
  if (!lab) return
  const { cwd, hosts } = lab
  fs.writeFileSync(join(cwd, 'pbs.json'), JSON.stringify(siteOf('hydra', { extends: 'pbs' })))
  fs.writeFileSync(join(cwd, 'nodes'), 'h1\nh1\nh2\nh2\nh3\nh3\n')
  const path = `${resolve('test/e2e/pbs')}:${process.env['PATH']}`
  const job = { FAKE_PBS: join(cwd, 'pbs'), PBS_NODEFILE: join(cwd, 'nodes'), PATH: path }
  const call = (...args: string[]) =>
    upfHeds(args, cwd, { ...hosts.env, ...job }, hosts.login('h4'))
  const exp = join(cwd, 'out/EXP001')
  const submitted = call('pbs.json', ...SLOW, '--hosts', '', '--lease', '0.5,2,4')
  t.match(submitted, { status: 0, stdout: /submitted: 3 nodes/ })
  t.match(fs.readFileSync(join(exp, 'job.sh'), 'utf8'), /^#PBS -l select=3:ncpus=2:mpiprocs=2$/m)
  t.match(call('wait', exp, '--every', '1'), { status: 0, stdout: /all RUNs finished/ })
  t.equal(fs.readdirSync(join(exp, 'out')).filter(name => name.startsWith('out-')).length, 6)
  await gone(exp)
  t.strictSame(invariants(exp).problems, [])
})

t.test('Ctrl-C or cancel, then resume; what is wrong is told in one line', beside(), async t => {
  const lab = await startLab(t, slowFiles([{ id: 'R0' }, HELD_LONG]))
  if (!lab) return
  const { call, cwd } = lab
  for (const [i, [name, how, said]] of [
    ['openmpi', 'Ctrl-C', 'SIGINT'],
    ['hydra', 'cancel', 'upf-heds cancel'],
  ].entries()) {
    const exp = join(cwd, `out/EXP00${i + 1}`)
    const sweep = lab.start(`${name}.json`, ...SLOW)
    await isHeld(exp, 'R1')
    if (how === 'Ctrl-C') sweep.child.kill('SIGINT')
    else t.match(call('cancel', exp), { status: 0, stdout: /its leader is told to stop/ })
    const { status, stdout } = await sweep.ended
    t.match({ status, stdout }, { status: 6, stdout: `0 failed, 1 not finished: ${said}` })
    await gone(exp)
    t.strictSame(invariants(exp).problems, [])
    letGo(exp, 'R1')
    t.match(call('resume', exp), { status: 0, stdout: /2 RUNs finished, 0 failed/ })
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.ok(found.begun - found.epochs <= 1, 'the epoch that it was in, at most')
  }

  const few = call('hydra.json', ...SLOW, '--hosts', 'h1,h2')
  t.match(few, { status: 2, stderr: /^upf-heds: 6 ranks at 2 a node want 3 hosts, HOSTS has 2\n/ })
  t.match(call('hydra.json', ...SLOW, '--launcher', 'mpich'), {
    status: 2,
    stderr: /^upf-heds: LAUNCHER is "mpich" \(flag\), want hydra, openmpi, srun, pals\n/,
  })
  t.match(
    call('hydra.json', ...SLOW, '--dry-run').stdout,
    /^mpiexec.hydra .* -hosts h3 .* --first 4$/m,
  )
  t.equal(fs.readdirSync(join(cwd, 'out')).length, 2, 'no EXP was made for these')
})

function read(file: string): string {
  return fs.readFileSync(file, 'utf8')
}

function rankOf(pid: number): number {
  const args = read(`/proc/${pid}/cmdline`).split('\0')
  return Number(args[args.indexOf('--rank') + 1])
}
