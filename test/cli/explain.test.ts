import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { BIN, start, upfHeds } from '../e2e/sweep.js'

/** What can be asked of a sweep: explain, journal, progress. With real EXPs, sound and damaged. */

const FAULTY = resolve('dist/test/e2e/faulty-workflow.js')
const SLOW = resolve('dist/test/e2e/slow-workflow.js')
const ARGS = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '3']

function bench(t: Test, workflow: string, lines: readonly object[], dflts: object = {}) {
  return t.testdir({
    'upf.txt': lines.map((l, i) => JSON.stringify({ id: `R${i}`, ...l })).join('\n'),
    'dflts.json': JSON.stringify({ workflow, ...dflts }),
    data: {},
  })
}

const sweep = [{ act: 'exit' }, { act: 'abort', always: true }, {}, { act: 'throw', always: true }]
const cwd = bench(t, FAULTY, sweep)
const exp = join(cwd, 'out/EXP001')
const ask = (...args: string[]) => upfHeds(args, cwd)
const json = (...args: string[]) => JSON.parse(ask(...args, '--json').stdout)
t.equal(upfHeds(ARGS, cwd).status, 5)

/** The text has all of them. */
function has(t: Test, text: string, wanted: readonly (string | RegExp)[]): void {
  for (const pattern of wanted) t.match(text, pattern)
}

interface DumpedPiece {
  readonly offset: number
  readonly bytes: number
  readonly record: { readonly type: string; readonly run?: string; readonly attempt?: number }
}

function pieces(exp: string): DumpedPiece[] {
  const lines = ask('journal', 'dump', exp, '--json').stdout.trimEnd().split('\n')
  return lines.map(line => JSON.parse(line))
}

/** A copy to damage. */
function copy(t: Test): { exp: string; segment: string } {
  const exp = join(t.testdir(), 'EXP')
  fs.cpSync(join(cwd, 'out/EXP001'), exp, { recursive: true })
  return { exp, segment: join(exp, '.engine/journal/000001.log') }
}

t.test('explain tells each attempt: when, where, how long, why it ended', async t => {
  const { status, stdout } = ask('explain', 'EXP001', 'R1')
  t.equal(status, 0)
  const [head, where, , ...rows] = stdout.split('\n')
  t.equal(head, 'R1: failed after 3 attempts')
  t.equal(where, '  upf.txt:2')
  t.match(rows[0], /^ {2}leader 1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S/)
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
  const attempt = (n: number, then: string) =>
    new RegExp(
      `^  attempt ${n}  ${time}  rank [12] on \\S+ +\\d+\\.\\d s  epoch 0  crashed: executor: died of SIGABRT; ${then}$`,
    )
  t.match(rows.slice(1, 4), [
    attempt(1, 'it waits'),
    attempt(2, 'it waits'),
    attempt(3, 'given up'),
  ])
  t.match(stdout, /^last error: attempt 3, crashed: executor: died of SIGABRT$/m)
  has(t, ask('explain', 'EXP001', 'R0').stdout, [
    'R0: finished after 2 attempts, 1 epoch (completed)',
    'failed: executor: exit 3; it waits',
    'finished: completed',
    'result: R0',
  ])
})

t.test('explain --json has the same for programs', async t => {
  t.match(json('explain', 'EXP001', 'R3'), {
    ...{ run: 'R3', line: 'upf.txt:4', state: 'failed', now: null, marker: null, notes: [] },
    events: [
      { type: 'leader', epoch: 1 },
      { attempt: 1, fate: 'failed', message: 'thrown on purpose', then: 'waits' },
      { attempt: 2, fate: 'failed', then: 'given up' },
    ],
    error: { attempt: 2, fate: 'failed', message: /thrown on purpose/ },
  })
  t.match(json('explain', 'EXP001', 'R2'), { state: 'finished', result: 'R2', epochs: 1 })
})

t.test('a RUN that is none: one line, the nearest name, exit 2', async t => {
  const { status, stdout, stderr } = ask('explain', 'EXP001', 'R33')
  t.equal(status, 2)
  t.equal(stdout, '')
  t.match(
    stderr,
    /^upf-heds: .*EXP001: has no RUN "R33"\nhint: Is "R3" meant\? It has 4 RUNs, R0 … R3\.\n$/,
  )
})

t.test('a sound journal: check says so, dump has every record', async t => {
  const { status, stdout } = ask('journal', 'check', 'EXP001')
  t.equal(status, 0)
  t.match(stdout, /^000001\.log: \d+ records, \d+ bytes\n2 RUNs with a valid marker\nsound\n$/)
  const lines = ask('journal', 'dump', 'EXP001').stdout.trimEnd().split('\n')
  const all = pieces('EXP001')
  t.equal(lines.length, all.length)
  t.equal(json('journal', 'check', 'EXP001').segments[0].records, all.length)
  t.match(lines[0], /^000001\.log +0 {2}#1 {2}began {2}\{"epoch":1,/)
  t.match(all[1], { segment: '000001.log', offset: all[0]!.bytes, sequence: 2 })
  t.equal(all.filter(p => p.record.type === 'ended').length, 6)
})

t.test(
  'a damaged middle: check says where, exit 3; dump shows it; explain and progress go on',
  async t => {
    const { exp, segment } = copy(t)
    const bytes = fs.readFileSync(segment)
    for (const piece of pieces(exp)) {
      const { type, run, attempt } = piece.record
      // how R1's second attempt ended, and when its third began
      if (run === 'R1' && type === (attempt === 2 ? 'ended' : attempt === 3 ? 'given' : ''))
        bytes.fill(0, piece.offset, piece.offset + piece.bytes)
    }
    fs.writeFileSync(segment, bytes)
    const { status, stdout } = ask('journal', 'check', exp)
    t.equal(status, 3)
    t.match(stdout, /DAMAGED at byte \d+: \d+ bytes, \d records? lost[^]*NOT SOUND/)
    const damaged: { records: number }[] = json('journal', 'check', exp).segments[0].damaged
    t.equal(
      damaged.map(d => d.records).reduce((a, b) => a + b),
      2,
    )
    t.match(ask('journal', 'dump', exp).stdout, /DAMAGED {2}\d+ bytes of no good record/)
    const story = json('explain', exp, 'R1')
    t.match(story.notes, [/^\d+ bytes of the journal damaged/])
    t.match(story.events.slice(1), [
      { attempt: 1, then: 'waits' },
      { attempt: 2, fate: null, message: 'how it ended is lost' },
      { attempt: 3, given: null, fate: 'crashed', then: 'given up' },
    ])
    fs.rmSync(join(exp, 'status.json'))
    t.match(json('progress', exp), { source: 'files', runs: 4, done: 2, failed: 2 })
  },
)

t.test('a tail cut off is no damage, and what was in it comes from the markers', async t => {
  const { exp, segment } = copy(t)
  const bytes = fs.readFileSync(segment)
  const at = bytes.lastIndexOf('"type":"finished","run":"R')
  const run = bytes.toString('latin1', at + 25, at + 27)
  fs.truncateSync(segment, at + 30)
  const found = ask('journal', 'check', exp)
  t.equal(found.status, 0)
  has(t, found.stdout, [/a record cut off/, `1 of them not in the journal: ${run}`])
  const story = json('explain', exp, run)
  t.equal(story.state, 'finished')
  t.strictSame(story.notes, [])
})

t.test('a marker that is not valid, and a journal that is gone', async t => {
  const { exp } = copy(t)
  fs.rmSync(join(exp, 'run/R2/result.txt'))
  const found = ask('journal', 'check', exp)
  t.equal(found.status, 3)
  t.match(found.stdout, /R2: result.txt is missing[^]*NOT SOUND/)
  t.match(ask('explain', exp, 'R2').stdout, /its marker is not valid: result.txt is missing/)
  fs.rmSync(join(exp, '.engine/journal'), { recursive: true })
  t.match(json('journal', 'check', exp), { sound: false, segments: [], unknown: ['R0'] })
  const { stdout } = ask('explain', exp, 'R1')
  has(t, stdout, [/^R1: failed after 3 attempts/, /attempt 3 .*crashed: executor: died of SIGABRT/])
  t.match(stdout, /note: there is no journal to read/)
  fs.rmSync(join(exp, '.engine/plan.jsonl'))
  t.match(ask('journal', 'check', exp), {
    ...{ status: 3, stdout: /^the journal is GONE;.*\nthe plan is GONE,.*\nNOT SOUND\n$/ },
  })
  t.match(ask('explain', exp, 'R0').stdout, /^R0: finished[^]*plan.jsonl: is missing/)
})

t.test('a reader that closes the pipe is no error', async t => {
  for (const command of ['journal dump', 'progress'])
    for (const flag of ['', '--json']) {
      const shell = `for i in 1 2 3; do "$0" "$1" ${command} "$2" ${flag}; done | head -n 1`
      const { stderr, stdout } = spawnSync('bash', ['-c', shell, process.execPath, BIN, exp], {
        encoding: 'utf8',
      })
      t.equal(stderr, '', `${command} ${flag}`)
      t.match(stdout, /^.+\n$/)
    }
})

t.test('progress: the labels of the upstream report, and how it ended', async t => {
  const { stdout } = ask('progress', 'EXP001')
  const labels = stdout.split('\n').flatMap(line => /^([\w ]+):/.exec(line)?.[1] ?? [])
  const upstream = 'DIR JOB JSON PROCS PPN epochs OUTs RUNs NEWs DONE MKRs TIME STOP'.split(' ')
  t.strictSame(
    labels.filter(label => upstream.includes(label)),
    upstream,
  )
  t.match(stdout, /^STOP: +2 RUNs failed \(exit 5\) at \d{4}-/m)
  t.equal(fs.readFileSync(join(exp, 'progress.txt'), 'utf8'), stdout)
  const counts = { runs: 4, news: 4, done: 2, failed: 2, running: 0, notStarted: 0 }
  t.match(json('progress', 'EXP001'), { ...counts, source: 'status', led: false })
  t.match(json('progress', 'EXP001', '--verify'), { ...counts, source: 'files' })
  const { exp: other } = copy(t)
  fs.writeFileSync(join(other, 'run/R0/result.txt'), 'r0\n')
  t.match(json('progress', other, '--verify'), { done: 1 }, 'as many bytes, but others')
  fs.rmSync(join(other, 'status.json'))
  fs.writeFileSync(join(other, 'jobid.txt'), '1234567.server\n')
  t.match(json('progress', other), { ...counts, source: 'journal', job: '1234567' })
  t.match(ask('progress', other).stdout, /^STOP: +the leader is gone/m)
})

t.test('a living leader tells: progress, explain and --watch until it has ended', async t => {
  const lines = [{ epochs: 400 }, { epochs: 400 }, {}]
  const cwd = bench(t, SLOW, lines, { epochSeconds: 0.1 })
  const sweep = start(ARGS, cwd)
  await sweep.until(/R1 running/)
  const ask = (...args: string[]) => JSON.parse(upfHeds([...args, '--json'], cwd).stdout)
  t.match(ask('progress', 'EXP001'), {
    ...{ source: 'leader', led: true, ended: null, runs: 3, running: 2, notStarted: 1, news: 2 },
    live: {
      ranks: [
        { rank: 1, state: 'serving', utilisation: Number, idle: Number },
        { rank: 2, state: 'serving' },
      ],
      running: [{ attempt: 1, seconds: Number }, { attempt: 1 }],
      lagP99: Number,
    },
  })
  t.match(ask('explain', 'EXP001', 'R0'), {
    ...{ state: 'running', now: { run: 'R0', attempt: 1, progress: { epochs: 400 } } },
    events: [{ type: 'leader' }, { attempt: 1, fate: null }],
  })
  t.match(ask('explain', 'EXP001', 'R2'), { state: 'not started', events: [] })
  t.equal(upfHeds(['journal', 'check', 'EXP001'], cwd).status, 0)

  const watch = start(['progress', 'EXP001', '--watch'], cwd)
  await watch.until(/R0 epoch \d+\/400: rank/)
  sweep.child.kill('SIGTERM')
  const seen = await watch.ended
  t.equal(seen.status, 0)
  t.equal((await sweep.ended).status, 6)
  t.match(ask('progress', 'EXP001'), { running: 0, interrupted: 2, notStarted: 1 })
  has(t, seen.stdout, [
    /rank 1 on \S+: serving, busy \d+ %, idle .+, loop lag p99/,
    /R1 runs: rank [12], \d+ s/,
    /0 of 3 RUNs finished, 2 running, 1 not started/,
  ])
  t.match(seen.stdout.trimEnd().split('\n').at(-1), /ended: SIGTERM \(exit 6\) at \d{4}-/)
  t.match(fs.readFileSync(join(cwd, 'out/EXP001/progress.txt'), 'utf8'), /STOP: +SIGTERM/)
})

t.test('a leader that dies without a word: --watch ends and says so', async t => {
  const cwd = bench(t, SLOW, [{ epochs: 400 }, {}], { epochSeconds: 0.1 })
  const sweep = start(ARGS, cwd)
  await sweep.until(/R0 running/)
  const watch = start(['progress', 'EXP001', '--watch', '--json'], cwd)
  await watch.until(/"source":"leader"/)
  const holder = join(cwd, 'out/EXP001/.engine/lock/holder.json')
  process.kill(JSON.parse(fs.readFileSync(holder, 'utf8')).pid, 'SIGKILL')
  const { stdout } = await watch.ended
  t.equal((await sweep.ended).status, 6)
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
  t.match(last, { led: false, ended: null, source: 'journal', running: 0 })
  has(t, upfHeds(['explain', 'EXP001', 'R0'], cwd).stdout, [
    /^R0: waits, 1 attempt so far/,
    /its leader ended before it; it waits/,
  ])
})

t.test('too few open files are refused before an EXP is made', async t => {
  const cwd = bench(t, FAULTY, [{}])
  // the test runner has its own loader put into every child; it would need more files
  const shell = 'unset NODE_OPTIONS; ulimit -n 60; exec "$0" "$@"'
  for (const args of [ARGS, ['check', ...ARGS.slice(1, 5)]]) {
    const { status, stderr } = spawnSync('bash', ['-c', shell, process.execPath, BIN, ...args], {
      cwd,
      encoding: 'utf8',
    })
    t.equal(status, 2)
    t.match(stderr, /^upf-heds: [23] ranks need (68|70) open files, the limit here is 60\n/)
    t.match(stderr, /^hint: .*ulimit -n (68|70)/m)
  }
  t.notOk(fs.existsSync(join(cwd, 'out')))
})

t.test('monitor: perf.csv for the RUNs that ask for it', async t => {
  const short = Array(4).fill({ monitor: 0.1, epochs: 2 })
  const lines = [{ monitor: 0.2, epochs: 8 }, {}, ...short]
  const cwd = bench(t, SLOW, lines, { epochSeconds: 0.25 })
  t.equal(upfHeds(ARGS, cwd).status, 0)
  for (const run of ['R2', 'R3', 'R4', 'R5'])
    t.ok(fs.existsSync(join(cwd, `out/EXP001/run/${run}/perf.csv`)), 'also in half a second')
  const csv = fs.readFileSync(join(cwd, 'out/EXP001/run/R0/perf.csv'), 'utf8')
  t.match(csv, /^time,attempt,seconds,cpu_percent,rss_mb,gpu_percent,gpu_mb\n\d{4}-.*,1,0\.\d,/)
  t.notOk(fs.existsSync(join(cwd, 'out/EXP001/run/R1/perf.csv')))
})
