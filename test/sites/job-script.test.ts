import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { jobScript, type Job } from '../../src/sites/job-script.js'
import { checkSettings, mergeSettings } from '../../src/sites/settings.js'

const settingsOf = (site: string, flags: Record<string, string> = {}) =>
  checkSettings(mergeSettings(site, {}, { DATA_SOURCE: '/data', PROJECT: 'UPF-1', ...flags }))

const job = (site: string, flags: Record<string, string> = {}, more: Partial<Job> = {}): Job => ({
  ...{ site, settings: settingsOf(site, flags), exp: '/flare/UPF/out/EXP001', name: 'EXP001' },
  ...{ folder: '/home/a user', environment: { UPF_HEDS_PYTHON: "/venv/it's" } },
  ...{ node: '/opt/node', bin: "/home/a user's/bin.js" },
  ...more,
})

const CPUS = '1-8:9-16:17-24:25-32:33-40:41-48:53-60:61-68:69-76:77-84:85-92:93-100'

const directivesOf = (script: string) =>
  script.split('\n').filter(line => /^#(PBS|SBATCH)/.test(line))

t.test('Aurora, Polaris: what PBS must be told', async t => {
  for (const [site, procs, nodes, line] of [
    ['aurora', 12, 1, `-n 12 --ppn 12 --cpu-bind list:${CPUS}`],
    ['aurora', 3072, 256, `-n 3072 --ppn 12 --cpu-bind list:${CPUS}`],
    // beyond 16,000 workers an agent serves a node, and binds its executors itself
    ['aurora', 127_488, 10_624, '-n 10624 --ppn 1 --cpu-bind none'],
    ['polaris', 4, 1, '-n 4 --ppn 4 --depth 8 --cpu-bind depth'],
    ['polaris', 1024, 256, '-n 1024 --ppn 4 --depth 8 --cpu-bind depth'],
    ['polaris', 42_496, 10_624, '-n 10624 --ppn 1 --cpu-bind none'],
  ] as const) {
    const script = jobScript(job(site, { PROCS: String(procs) }))
    t.strictSame(
      directivesOf(script),
      [
        '-N EXP001',
        '-A UPF-1',
        `-q ${site === 'aurora' ? 'debug-scaling' : 'debug'}`,
        `-l select=${nodes}:system=${site}`,
        '-l place=scatter',
        '-l walltime=0:30:00',
        `-l filesystems=${site === 'aurora' ? 'home:flare' : 'home:grand:eagle'}`,
        '-k doe',
        '-j oe',
        '-o /flare/UPF/out/EXP001/out/job.txt',
      ].map(text => `#PBS ${text}`),
    )
    t.match(
      script,
      `\nmpiexec ${line} --envall --no-abort-on-failure --line-buffer --rlimits NOFILE \\\n`,
    )
    t.match(script, `'/opt/node' '/home/a user'\\''s/bin.js' rank --shield --exp`, 'quoted')
    clean(t, script)
  }
})

t.test('a site of one’s own: its PBS, its launcher, its modules', async t => {
  const more = { PROCS: '9', PPN: '4', MODULES: 'gcc/12 cuda', PROLOGUE: "/my env's.sh" }
  const script = jobScript(job('pbs', { ...more, LAUNCHER_FLAGS: '-iface ib0' }))
  t.ok(directivesOf(script).includes('#PBS -l select=3:ncpus=32:mpiprocs=4'))
  t.match(script, /^module load 'gcc\/12' 'cuda'\n# shellcheck .*\n\. '\/my env'\\''s\.sh'$/m)
  t.match(script, /^UPF_HEDS_JOB_END=$/m, 'no walltime, no end')
  t.match(script, `exec \\\n  '/opt/node' '/home/a user'\\''s/bin.js' rank --launch --exp`)
  clean(t, script)
  const srun = jobScript(job('pbs', { LAUNCHER: 'srun', RANKS: 'node', PPN: '4', PROCS: '8' }))
  t.match(srun, /^srun .* --nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=32 \\$/m)
  clean(t, srun)
})

t.test('Slurm: only what is set is asked for', async t => {
  const script = jobScript(job('slurm', { PROJECT: '', PROCS: '9', PPN: '4', THREADS: '16' }))
  t.strictSame(
    directivesOf(script),
    [
      '--job-name=EXP001',
      '--nodes=3',
      '--ntasks=9',
      '--ntasks-per-node=4',
      '--cpus-per-task=16',
      '--no-kill',
      '--signal=B:TERM@60',
      '--output=/flare/UPF/out/EXP001/out/job.txt',
    ].map(text => `#SBATCH ${text}`),
  )
  clean(t, script)
  const more = {
    QUEUE: 'gpu',
    WALLTIME: '90:00',
    DIRECTIVES: '--constraint=gpu; --gpus-per-node=4',
  }
  const full = directivesOf(jobScript(job('slurm', more)))
  for (const text of ['account=UPF-1', 'partition=gpu', 'time=1:30:00', 'constraint=gpu'])
    t.ok(full.includes(`#SBATCH --${text}`), text)
  t.ok(full.includes('#SBATCH --gpus-per-node=4'))
})

t.test('nothing gets out of its directive', async t => {
  for (const [flags, more] of [
    [{ PROJECT: 'P\n#PBS -q prod' }, {}],
    [{ QUEUE: 'debug; rm -rf /' }, {}],
    [{ DIRECTIVES: '-l "select=1"' }, {}],
    [{}, { exp: '/out of/EXP001' }],
  ] as const)
    t.throws(() => jobScript(job('aurora', flags, more)), {
      kind: 'USAGE',
      message: / is "/,
      hint: /no blanks/,
    })
})

/** Bash reads it, and shellcheck, where it is installed, finds nothing. */
function clean(t: Test, script: string): void {
  t.notMatch(script, /@\w+@/, 'nothing is left open')
  t.equal(spawnSync('bash', ['-n'], { input: script }).status, 0)
  const checked = spawnSync('shellcheck', ['-'], { input: script, encoding: 'utf8' })
  if (!checked.error) t.equal(checked.stdout, '')
}
