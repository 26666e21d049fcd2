import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkSettings, mergeSettings } from '../../src/sites/settings.js'
import { checkSiteFile } from '../../src/sites/site-file.js'
import { siteSchema } from '../../src/sites/site-schema.js'
import { upfHeds } from '../e2e/sweep.js'

t.test('a site file on another, lists as texts; the nearer one wins', async t => {
  const cwd = t.testdir({
    'lab.json': JSON.stringify({
      ...{ $schema: 'any', extends: 'slurm', '// QUEUE': 'a comment', PROCS: 9, PPN: '4' },
      ...{ DIRECTIVES: ['--constraint=gpu', '--gpus-per-node=4'], LEASE: [1, 3, 6] },
      ...{ QUEUES: ['debug 1-2 0:30:00', 'gpu 1-16 48:00:00'], MODULES: ['cuda/12', 'gcc'] },
    }),
    below: { 'mine.json': JSON.stringify({ extends: '../lab.json', PPN: 2, QUEUE: 'gpu' }) },
  })
  const file = join(cwd, 'below/mine.json')
  const merged = mergeSettings(file, {}, { DATA_SOURCE: cwd })
  t.equal(merged.base, 'slurm')
  t.match(checkSettings(merged), {
    ...{ PROCS: 9, PPN: 2, QUEUE: 'gpu', LAUNCHER: 'srun', LEASE: [1, 3, 6] },
    ...{ DIRECTIVES: '--constraint=gpu; --gpus-per-node=4', MODULES: 'cuda/12 gcc' },
    QUEUES: 'debug 1-2 0:30:00; gpu 1-16 48:00:00',
  })
  t.equal(merged.origins.PROCS, join(cwd, 'lab.json'))
  t.equal(merged.origins.PPN, file)
})

t.test('everything that is wrong is named, a line each, with what was perhaps meant', async t => {
  const cwd = t.testdir({
    'bad.json': JSON.stringify({
      ...{ extends: 'slurn', QUEU: 'x', PROCS: 'four', LAUNCHER: 'hidra', MODULES: 5 },
      ...{ PPN: 0, HOSTS: [{}] },
    }),
    'queues.json': JSON.stringify({ extends: 'slurm', QUEUES: ['gpu 1-2'] }),
    'list.json': '[]',
    'cut.json': '{"extends": "slurm"',
    'self.json': '{"extends": "self.json"}',
    'good.json': '{"extends": "pbs", "PROCS": 9, "PPN": 4}',
  })
  const check = (file: string) => upfHeds(['site', 'check', file], cwd)
  const bad = check('bad.json')
  t.equal(bad.status, 2)
  t.strictSame(bad.stderr.trim().split('\n'), [
    'upf-heds: bad.json: "extends" is "slurn", want local, aurora, polaris, pbs, slurm or a site file (Is slurm meant?)',
    'upf-heds: bad.json: no setting is called "QUEU" (Is QUEUE meant?)',
    'upf-heds: bad.json: PROCS is "four", want an integer ≥ 2',
    'upf-heds: bad.json: LAUNCHER is "hidra", want hydra, openmpi, srun, pals (Is hydra meant?)',
    'upf-heds: bad.json: MODULES is 5, want a text, or a list of texts',
    'upf-heds: bad.json: PPN is 0, want an integer ≥ 1',
    'upf-heds: bad.json: HOSTS is [{}], want a text, or a list of texts',
  ])
  for (const [file, said] of [
    ['queues.json', /^upf-heds: queues.json: QUEUES is "gpu 1-2" \(queues.json\), want "NAME /],
    ['list.json', /^upf-heds: list.json: want a JSON object of settings\n$/],
    ['cut.json', /^upf-heds: cut.json: a site file is JSON: /],
    ['self.json', /self.json: extends itself/],
    ['none.json', /^upf-heds: none.json: /],
  ] as const)
    t.match(check(file), { status: 2, stderr: said }, file)
  t.match(check('good.json'), {
    status: 0,
    stdout: 'good.json: right, on top of pbs: 3 nodes, 4 ranks on each by hydra\n',
  })
})

t.test('what hangs on several settings is found too, beside what is wrong by itself', async t => {
  const lab = { LAUNCHER: 'hydra', PROCS: 6, PPN: 2 }
  const files = {
    few: { ...lab, HOSTS: 'h1,h2' },
    twice: { ...lab, HOSTS: ['h1', 'h2', 'h3', 'h2'] },
    absent: { ...lab, HOSTS: './no-hosts' },
    line: { extends: 'slurm', DIRECTIVES: '--a=1\n#SBATCH --b' },
    script: { extends: 'slurm', PROLOGUE: 'no-such.sh' },
    shell: { extends: 'slurm', MODULES: 'cuda; rm -rf x' },
    many: { PROCS: 'four', LEASE: '5,1,2', QUEUES: ['gpu'], MODULES: ['$(id)'] },
    below: { extends: 'many.json', PPN: 0 },
    noted: { extends: 'slurm', HOSTS: 'h1' },
    idle: { HOSTS: 'h1' },
    enough: { ...lab, HOSTS: 'h1,h2,h3' },
  }
  const texts = Object.entries(files).map(([name, site]) => [`${name}.json`, JSON.stringify(site)])
  const cwd = t.testdir(Object.fromEntries(texts) as Record<string, string>)
  fs.writeFileSync(join(cwd, 'marked.json'), `\uFEFF${JSON.stringify({ extends: 'slurm' })}`)
  const check = (name: string, ...lines: RegExp[]) => {
    const { status, stderr } = upfHeds(['site', 'check', `${name}.json`], cwd)
    t.equal(status, 2, name)
    const said = stderr.trim().split('\n')
    t.equal(said.length, lines.length, stderr)
    lines.forEach((line, n) => t.match(said[n], line))
  }
  check('few', /few.json: 6 ranks at 2 a node want 3 hosts, HOSTS has 2/)
  check('twice', /twice.json: HOSTS names h2 more than once/)
  check('absent', /absent.json: HOSTS: no file .*no-hosts/)
  check('line', /line.json: DIRECTIVES is "--a=1\\n#SBATCH --b"/)
  check('script', /script.json: .*no-such.sh: PROLOGUE cannot be read: no such file/)
  check('shell', /shell.json: MODULES is "cuda; rm -rf x" \(shell.json\), want names with blanks/)
  const many = [/PROCS is "four"/, /LEASE is "5,1,2"/, /MODULES is "\$\(id\)"/, /QUEUES is "gpu"/]
  check('many', ...many)
  check('below', /below.json: PPN is 0/, ...many)
  const right = (name: string, note: RegExp) =>
    t.match(
      upfHeds(['site', 'check', `${name}.json`], cwd),
      { status: 0, stderr: note, stdout: /: right/ },
      name,
    )
  right('noted', /^upf-heds: note: noted.json: HOSTS is not used: srun takes the hosts/)
  right('idle', /^upf-heds: note: idle.json: HOSTS is not used without a LAUNCHER/)
  right('enough', /^$/)
  right('marked', /^$/)
})

t.test('site init writes one that is right, and overwrites none', async t => {
  const cwd = t.testdir({})
  for (const base of ['local', 'slurm', 'pbs', 'aurora', 'polaris']) {
    const made = upfHeds(['site', 'init', base, '--extends', base], cwd)
    t.match(made, { status: 0, stdout: new RegExp(`^${base}.json is written`) })
    const file = join(cwd, `${base}.json`)
    t.strictSame(checkSiteFile(file).problems, [])
    const { $schema, PROCS } = JSON.parse(fs.readFileSync(file, 'utf8'))
    t.type(PROCS, 'number')
    t.strictSame(
      JSON.parse(fs.readFileSync($schema, 'utf8')),
      siteSchema(),
      'the schema is shipped',
    )
    t.match(upfHeds(['site', 'check', file], cwd), { status: 0 })
  }
  t.match(upfHeds(['site', 'init', 'local'], cwd), { status: 2, stderr: /is there already/ })
  const wrong = upfHeds(['site', 'init', 'x', '--extends', 'slrum'], cwd)
  t.match(wrong, { status: 2, stderr: /--extends is "slrum".*\nhint: Is "slurm" meant/ })
  t.notOk(fs.existsSync(join(cwd, 'x.json')))
})
