import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { upfHeds } from '../e2e/sweep.js'

/** Demo data and files that are right, beside which each test puts one that is wrong. */
const cwd = t.testdir({
  'upf.txt': '{"id": "A", "index": 0}\n',
  'dflts.json': '{"epochs": 1}',
  'lost.json': '{"workflow": "./lost.js"}',
  'broken.txt': '{"id": "A", "index": 0}\n\n# c\n{"id": "B" "index": 1}\n',
  'dup.txt': '{"id": "A", "index": 0}\n{"id": "A", "index": 1}\n',
  'many.txt': '{"id": "A", "epochs": 0}\n{"id": "A"}\n{"id": "B" "index": 1}\n',
  'dots.txt': '{"id": "../A", "index": 0}\n',
  'i170.txt': '{"id": "A", "index": 170}\n',
  file: 'no folder',
  truncated: {},
  shared: {},
  link: t.fixture('symlink', 'truncated'),
})
fs.chmodSync(join(cwd, 'shared'), 0o777)
upfHeds(['data', 'demo', 'data'], cwd)
for (const name of fs.readdirSync(join(cwd, 'data')))
  fs.copyFileSync(join(cwd, 'data', name), join(cwd, 'truncated', name))
fs.truncateSync(join(cwd, 'truncated/ge_merged_data.parquet'), 1000)

const run = (...args: string[]) => upfHeds(['local', ...args, '--threads', '1'], cwd)

for (const [what, args, status, message] of [
  [
    'broken JSON on line 4',
    ['broken.txt', 'dflts.json'],
    2,
    /^upf-heds: broken.txt:4: no valid JSON/,
  ],
  ['a duplicate id', ['dup.txt', 'dflts.json'], 2, /dup.txt:2: "id" "A" is that of line 1 too/],
  [
    'all that is wrong with lines',
    ['many.txt', 'dflts.json'],
    2,
    /many.txt:1: "epochs" is 0[^]*\nmany.txt:2: "id" "A"[^]*\nmany.txt:3: no valid JSON/,
  ],
  [
    'wrong lines for a workflow that is not there',
    ['many.txt', 'lost.json'],
    2,
    /^upf-heds: many.txt:2: "id" "A"[^]*\nmany.txt:3: no valid JSON/,
  ],
  ['an id that climbs', ['dots.txt', 'dflts.json'], 2, /dots.txt:1: "id" is "..\/A"/],
  [
    'an index beyond the drugs',
    ['i170.txt', 'dflts.json'],
    2,
    /"index" is 170, the data has drugs 0 to 23/,
  ],
  ['an unknown option', ['upf.txt', 'dflts.json', '--porcs', '3'], 2, /unknown option.*porcs/],
  [
    'PROCS=1',
    ['upf.txt', 'dflts.json', '--procs', '1'],
    2,
    /PROCS is "1" \(flag\), want an integer ≥ 2/,
  ],
  [
    'output below a regular file',
    ['upf.txt', 'dflts.json', '--candle-data-dir', 'file/out'],
    2,
    /file\/out: no experiment can be made/,
  ],
  [
    'a UPF that is not there',
    ['none.txt', 'dflts.json'],
    2,
    /none.txt: UPF cannot be read: no such file/,
  ],
  [
    'a DATA_SOURCE that is not there',
    ['upf.txt', 'dflts.json', '--data-source', 'nowhere'],
    3,
    /nowhere: DATA_SOURCE is no folder/,
  ],
  [
    'a truncated Parquet file',
    ['upf.txt', 'dflts.json', '--data-source', 'truncated'],
    3,
    /ge_merged_data.parquet: is no whole Parquet file/,
  ],
] as const)
  t.test(`${what}: one message, a hint, no stack, no EXP`, async t => {
    const source = args.some(a => a === '--data-source') ? [] : ['--data-source', 'data']
    const ended = run(...args, ...source)
    t.equal(ended.status, status)
    t.match(ended.stderr, message)
    t.match(ended.stderr, /^hint: .+$/m)
    t.notMatch(ended.stderr, /\n {4}at /)
    t.notOk(fs.existsSync(join(cwd, 'out/EXP001')))
  })

t.test('words that are no command and no site name the nearest', async t => {
  for (const [words, near] of [
    [['progres', 'x'], 'progress'],
    [['locla', 'upf.txt', 'dflts.json'], 'local'],
    [['topdrugs', 'x', 'pred', 'a', '5'], 'top-drugs'],
  ] as const) {
    const { status, stderr } = upfHeds(words, cwd)
    t.equal(status, 2)
    t.match(stderr, `"${words[0]}" is no`)
    t.match(stderr, `Is "${near}" meant?`)
  }
})

t.test('a second word that is no command of the first is named', async t => {
  for (const [words, told, hint] of [
    [
      ['journal', 'frob', 'x'],
      '"frob" is no command of journal, want check or dump',
      'Run upf-heds journal --help.',
    ],
    [
      ['journal', 'dmup', 'x'],
      '"dmup" is no command of journal, want check or dump',
      'Is "dump" meant?',
    ],
    [
      ['env', 'veryfy', 'x', 'y'],
      '"veryfy" is no command of env, want create, list, use, verify, gc or unpack',
      'Is "verify" meant?',
    ],
    [
      ['site', 'frob'],
      '"frob" is no command of site, want init or check',
      'Run upf-heds site --help.',
    ],
    [['journal', 'check', 'x', 'y'], 'y: one word too many', 'Run upf-heds journal --help.'],
    [['data'], 'too few words', 'Run upf-heds data --help.'],
  ] as const) {
    const { status, stderr } = upfHeds(words, cwd)
    t.match({ status, stderr }, { status: 2, stderr: `upf-heds: ${told}\nhint: ${hint}\n` })
  }
})

t.test('what is wrong among words and options is named as it was typed', async t => {
  for (const [words, told, hint] of [
    [['report', 'x', '--', '--out'], '--out: one word too many', 'Run upf-heds report --help.'],
    [['report', 'x', 'out', '--out', 'f'], 'out: one word too many', 'Run upf-heds report --help.'],
    [['report', 'x', '--no-vla'], 'unknown option: --no-vla', 'Is --val meant?'],
    [['report', 'x', '--ouut=f'], 'unknown option: --ouut', 'Is --out meant?'],
    [['report', 'x', '-abc'], 'unknown option: -abc', 'See --help.'],
    [
      ['report', 'x', '--strict'],
      'unknown option: --strict',
      'It is not one of this command: see upf-heds report --help.',
    ],
  ] as const) {
    const { status, stderr } = upfHeds(words, cwd)
    t.match({ status, stderr }, { status: 2, stderr: `upf-heds: ${told}\nhint: ${hint}\n` })
  }
})

t.test('DATA_SOURCE unset is named; errors are JSON with --json', async t => {
  const { status, stderr } = upfHeds(['check', 'upf.txt', 'dflts.json', '--json'], cwd)
  t.equal(status, 2)
  t.match(JSON.parse(stderr), {
    kind: 'USAGE',
    message: /DATA_SOURCE is not set/,
    hint: /--data-source/,
  })
})

t.test('check changes nothing and says what would run', async t => {
  const before = fs.readdirSync(cwd)
  const { status, stdout } = upfHeds(
    ['check', 'upf.txt', 'dflts.json', '--data-source', 'data'],
    cwd,
  )
  t.equal(status, 0)
  t.match(stdout, /2,664 responses, 120 cells, 24 drugs/)
  t.match(stdout, /A: {"index":0,"drug":"Drug_001"}/)
  t.strictSame(fs.readdirSync(cwd), before)
})

t.test('settings say where each value came from', async t => {
  const env = { PROCS: '7', LEASE: '1,2,3' }
  const { stdout } = upfHeds(['settings', 'local', '--lease', '2,4,9', '--json'], cwd, env)
  t.match(JSON.parse(stdout), {
    PROCS: { value: '7', origin: 'environment' },
    PPN: { value: '7', origin: 'PROCS' },
    LEASE: { value: '2,4,9', origin: 'flag' },
    BACKEND: { value: 'auto', origin: 'built-in' },
  })
  fs.writeFileSync(join(cwd, 'site.json'), '{"extends": "local", "PROCS": 5, "TREADS": 1}')
  t.match(upfHeds(['settings', 'site.json'], cwd), {
    status: 2,
    stderr: /no setting is called "TREADS"[^]*Is THREADS meant/,
  })
})

t.test(
  'gen makes a UPF, list-drugs lists, and a file that is there is not overwritten',
  async t => {
    t.equal(upfHeds(['gen', '3', 'gen.txt', '--start', '5', '--stride', '2'], cwd).status, 0)
    t.equal(
      fs.readFileSync(join(cwd, 'gen.txt'), 'utf8'),
      '# 3 RUNs\n{"id":"RUN005","index":5}\n{"id":"RUN007","index":7}\n{"id":"RUN009","index":9}\n',
    )
    t.match(upfHeds(['gen', '3', 'gen.txt'], cwd), { status: 2, stderr: /is there already/ })
    const drugs = upfHeds(['list_drugs', 'data/rsp_merged.parquet', '--index', '7'], cwd)
    t.equal(drugs.stdout, '007 Drug_008\n')
  },
)

t.test('--help names every command and loads no backend', async t => {
  const { status, stdout } = upfHeds(['--help'], cwd)
  t.equal(status, 0)
  for (const word of [
    'resume',
    'check',
    'gen',
    'progress',
    'epochs',
    'extract',
    'top-drugs',
    'explain',
    'journal',
  ])
    t.match(stdout, word)
  t.notMatch(stdout, '--threads', 'the options of a sweep are told elsewhere')
})

t.test(
  'a site --help tells of a sweep alone, and so does the hint where words are missing',
  async t => {
    const { status, stdout } = upfHeds(['local', '-h'], cwd)
    t.equal(status, 0)
    t.match(stdout, /^upf-heds <site> <upf> <dflts> \[exp\]\n[^]*--threads[^]*--accept-drift/)
    t.notMatch(stdout, 'Commands:')
    const hint = 'upf-heds: too few words\nhint: Run upf-heds local --help.\n'
    t.match(upfHeds(['local', 'upf.txt'], cwd), { status: 2, stderr: hint })
    t.match(upfHeds(['upf-uno-heds', 'local', 'upf.txt'], cwd), { status: 2, stderr: hint })
  },
)
for (const [what, args, message] of [
  [
    'a TMP_ROOT that others may enter',
    ['--tmp-root', 'shared'],
    /shared: has mode 777, want a directory of this user with mode 700/,
  ],
  ['a TMP_ROOT that is a link', ['--tmp-root', 'link'], /link: is a symbolic link/],
  ['a TMP_ROOT below a file', ['--tmp-root', 'file/tmp'], /file\/tmp: cannot be made: ENOTDIR/],
  [
    'a program for alerts that is not there',
    ['--on-alert', './none.sh'],
    /ON_ALERT is ".*none.sh", want a program that can be called/,
  ],
  ['one that is no file', ['--on-alert', './data'], /ON_ALERT is ".*data"/],
  ['one that is not on PATH', ['--on-alert', 'upf-heds-none'], /ON_ALERT is "upf-heds-none"/],
] as const)
  t.test(`${what} is refused by run and check before anything is made`, async t => {
    const before = fs.readdirSync(cwd)
    const all = ['upf.txt', 'dflts.json', '--data-source', 'data', ...args]
    for (const ended of [run(...all), upfHeds(['check', ...all], cwd)]) {
      t.equal(ended.status, 2)
      t.match(ended.stderr, message)
      t.match(ended.stderr, /^upf-heds: [^\n]+\nhint: [^\n]+\n$/)
    }
    t.strictSame(fs.readdirSync(cwd), before)
  })
