import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { gone } from './invariants.js'
import { processes, start, upfHeds } from './sweep.js'

const WORKFLOW = resolve('dist/test/e2e/faulty-workflow.js')

function bench(lines: readonly object[]) {
  return t.testdir({
    'upf.txt': lines.map((l, i) => JSON.stringify({ id: `R${i}`, ...l })).join('\n'),
    'dflts.json': JSON.stringify({ workflow: WORKFLOW }),
    data: {},
  })
}
const ARGS = ['local', 'upf.txt', 'dflts.json', '--data-source', 'data', '--procs', '3']
const read = (path: string) => JSON.parse(fs.readFileSync(path, 'utf8'))

t.test('a RUN that dies once is given out again and finishes', async t => {
  const cwd = bench([{ act: 'exit' }, { act: 'throw' }, { act: 'abort' }, {}])
  const { status, stderr } = upfHeds(ARGS, cwd)
  t.equal(status, 0, stderr)
  const exp = join(cwd, 'out/EXP001')
  t.match(read(join(exp, 'run/R0/error.json')), { fate: 'failed', attempt: 1, message: /exit 3/ })
  t.match(read(join(exp, 'run/R1/error.json')), { fate: 'failed', message: /thrown on purpose/ })
  t.match(read(join(exp, 'run/R2/error.json')), { fate: 'crashed', message: /SIGABRT/ })
  t.notOk(fs.existsSync(join(exp, 'run/R3/error.json')))
  t.equal(read(join(exp, 'run/R2/stop.marker')).attempt, 2)
})

t.test('error.json has the lines of its own RUN alone, and all of them', async t => {
  const acts = ['throw', 'ok', 'exit', 'reject', 'segv', 'ok', 'throw', 'ok', 'throw']
  const cwd = bench(acts.map(act => ({ act })))
  for (const procs of [
    ['--procs', '2'],
    ['--procs', '4', '--ranks', 'node'],
  ]) {
    fs.rmSync(join(cwd, 'out'), { recursive: true, force: true })
    t.equal(upfHeds([...ARGS.slice(0, -2), ...procs], cwd).status, 0)
    for (const [i, act] of acts.entries()) {
      if (act === 'ok') continue
      const { log } = read(join(cwd, 'out/EXP001/run', `R${i}`, 'error.json')) as { log: string[] }
      // two streams: neither knows of the other's order
      const told = log.filter(line => /: begins|complains/.test(line)).sort()
      t.strictSame(told, [`R${i} complains`, `R${i}: begins`], act)
      if (act === 'throw') t.match(log.join('\n'), /Error: thrown on purpose[^]* at .*act/)
    }
    const out = fs.readFileSync(join(cwd, 'out/EXP001/out/out-001.txt'), 'utf8')
    t.notMatch(out, '\u0001')
    const agents = fs.readdirSync(join(cwd, 'out/EXP001/out')).filter(name => /^out-\d/.test(name))
    t.equal(agents.length, 2, 'the leader and one agent, which has all workers with --ranks node')
  }
})

t.test('last words that end no line are in error.json and in the log of the rank', async t => {
  const cwd = bench([{ act: 'exit-within-a-line' }, {}])
  t.equal(upfHeds(ARGS, cwd).status, 0)
  const exp = join(cwd, 'out/EXP001')
  const { log } = read(join(exp, 'run/R0/error.json')) as { log: string[] }
  t.match(log.join('\n'), /^last words without an end$/m)
  const logs = [1, 2].map(rank => fs.readFileSync(join(exp, `out/out-00${rank}.txt`), 'utf8'))
  t.match(logs.join('\n'), /last words without an end$/m)
})

t.test('a RUN that always fails is given up; the others finish; exit 5', async t => {
  const cwd = bench([{ act: 'throw', always: true }, { act: 'abort', always: true }, {}, {}])
  const { status, stdout, stderr } = upfHeds(ARGS, cwd)
  t.equal(status, 5)
  t.match(stdout, /2 RUNs finished, 2 failed/)
  const exp = join(cwd, 'out/EXP001')
  const again = `upf-heds resume ${exp} tries what failed again`
  t.match(stderr, new RegExp(`^hint: upf-heds explain ${exp} R[01] tells why; ${again}$`, 'm'))
  t.equal(read(join(exp, 'run/R0/error.json')).attempt, 2, 'failed: one more try')
  t.equal(read(join(exp, 'run/R1/error.json')).attempt, 3, 'crashed: three in all')
  t.match(fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'), /R0 failed after 2/)
})

t.test('what is wrong with a workflow stands in error.json', async t => {
  const nothing = { act: 'nothing', always: true, retries: 0 }
  const cwd = bench([{ act: 'reject' }, nothing, {}])
  const { status } = upfHeds(ARGS, cwd)
  t.equal(status, 5)
  const exp = join(cwd, 'out/EXP001')
  t.match(read(join(exp, 'run/R0/error.json')), {
    fate: 'failed',
    message: 'executor: exit 1: rejected on purpose',
  })
  t.equal(read(join(exp, 'run/R0/stop.marker')).attempt, 2)
  t.match(read(join(exp, 'run/R1/error.json')), {
    fate: 'failed',
    message: /^the workflow's run\(\) returned undefined, want { epochs: .* outputs: /,
  })
})

t.test('an executor whose pipes are held by a process that it left ends all the same', async t => {
  const cwd = bench([{ act: 'leave' }, {}])
  const { status, stderr } = upfHeds(ARGS, cwd)
  const run = join(cwd, 'out/EXP001/run/R0')
  process.kill(Number(fs.readFileSync(join(run, 'left.txt'), 'utf8')), 'SIGKILL')
  t.equal(status, 0, stderr)
  t.match(read(join(run, 'error.json')), { fate: 'failed', message: /exit 3/ })
  t.equal(read(join(run, 'stop.marker')).attempt, 2)
})

t.test('what a RUN says, however odd and long, becomes one line of an alert', async t => {
  const cwd = bench([{ act: 'rave', always: true, retries: 0 }, {}])
  fs.writeFileSync(
    join(cwd, 'alert.sh'),
    '#!/bin/sh\nprintf "%s" "$1" > "$UPF_HEDS_EXP/told.txt"\n',
  )
  fs.chmodSync(join(cwd, 'alert.sh'), 0o755)
  const { status, stdout, stderr } = upfHeds([...ARGS, '--on-alert', './alert.sh'], cwd)
  t.equal(status, 5, stderr)
  const exp = join(cwd, 'out/EXP001')
  const alerts = fs.readFileSync(join(exp, 'alerts.txt'), 'utf8')
  t.match(alerts, /^[^\n]{10,600}\n$/)
  t.match(alerts, /R0 failed after 1 attempt, failed: odd x+…/)
  t.match(fs.readFileSync(join(exp, 'told.txt'), 'utf8'), /^R0 failed after 1 attempt/)
  t.ok(stdout.length < 5000, 'and of the terminal')
})

t.test('however an executor dies, its RUN goes on in the next one', async t => {
  const fates = {
    segv: ['crashed', /SIGSEGV/],
    heap: ['out-of-memory', /SIG(ABRT|TRAP|ILL)/],
    exit: ['failed', /exit 3/],
    exit0: ['no-marker', /exit 0/],
    spin: ['hung', /timeout of 1 s/],
    sleep: ['hung', /timeout of 1 s/],
  }
  const lines = Object.keys(fates).map(act => {
    return { id: act, act, ...(act === 'spin' || act === 'sleep' ? { timeout: 1 } : {}) }
  })
  const cwd = bench([...lines, {}])
  // a small heap, so that one that fills it is soon done
  const { status, stderr } = upfHeds(ARGS, cwd, { NODE_OPTIONS: '--max-old-space-size=64' })
  t.equal(status, 0, stderr)
  const exp = join(cwd, 'out/EXP001')
  for (const [id, [fate, message]] of Object.entries(fates)) {
    t.match(read(join(exp, 'run', id, 'error.json')), { fate, message, attempt: 1 }, id)
    t.equal(read(join(exp, 'run', id, 'stop.marker')).attempt, 2, id)
  }
  await t.resolves(gone(exp))
})

t.test('a RUN that passes its memory has twice as much once; then it is given up', async t => {
  const eat = { act: 'eat', always: true }
  const apart = { id: 'apart', act: 'eat-apart', memory: 300 }
  const cwd = bench([
    { id: 'fits', ...eat, memory: 300 },
    { id: 'never', ...eat, memory: 150 },
    apart,
  ])
  const { status } = upfHeds(ARGS, cwd)
  t.equal(status, 5)
  const exp = join(cwd, 'out/EXP001')
  t.match(read(join(exp, 'run/fits/error.json')), { fate: 'out-of-memory', attempt: 1 })
  t.equal(read(join(exp, 'run/fits/stop.marker')).attempt, 2)
  t.match(read(join(exp, 'run/never/error.json')), { fate: 'out-of-memory', attempt: 2 })
  t.match(read(join(exp, 'run/apart/error.json')), { fate: 'out-of-memory', attempt: 1 })
  t.match(fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'), /never failed after 2/)
  t.match(read(join(exp, 'status.json')), { finished: 2, failed: 1, notStarted: 0 })
})

t.test('a RUN that kills every worker is given up; the others finish', async t => {
  const cwd = bench([{ id: 'bomb', act: 'kill-agent', always: true }, {}, {}, {}])
  const { status } = upfHeds(ARGS, cwd)
  t.equal(status, 5)
  const exp = join(cwd, 'out/EXP001')
  // two lost agents are nobody's fault; from the third on they count, three are the limit
  t.match(fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'), /bomb failed after 5 attempt/)
  t.match(read(join(exp, 'status.json')), { exit: 5, finished: 3, failed: 1, notStarted: 0 })
  await t.resolves(gone(exp))
})

t.test('a RUN in a busy loop dies with its agent, whoever is killed', async t => {
  const spin = { id: 'spin', act: 'spin' }
  for (const victim of ['agent', 'leader', 'command'] as const) {
    const cwd = bench([spin, {}])
    const sweep = start([...ARGS.slice(0, -1), '2'], cwd)
    await sweep.until(/spin running/)
    const exp = join(cwd, 'out/EXP001')
    await sleep(500) // it is in its loop
    const { pid } =
      victim === 'command' ? sweep.child : processes(exp).find(p => p.kind === victim)!
    process.kill(pid!, 'SIGKILL')
    const { status } = await sweep.ended
    t.equal(status, { agent: 0, leader: 6, command: null }[victim], victim)
    await t.resolves(gone(exp), victim)
  }
})

t.test('beside others in one agent: a RUN that kills it is given up alone', async t => {
  const bomb = { id: 'bomb', act: 'kill-agent', always: true }
  const slow = { act: 'eat', always: true } // it takes longer than an agent lives
  const cwd = bench([bomb, slow, slow, slow, slow, slow])
  const { status, stderr } = upfHeds([...ARGS.slice(0, -1), '4', '--ranks', 'node'], cwd)
  t.equal(status, 5, stderr)
  const exp = join(cwd, 'out/EXP001')
  t.match(read(join(exp, 'status.json')), { exit: 5, finished: 5, failed: 1, notStarted: 0 })
  t.match(fs.readFileSync(join(exp, 'alerts.txt'), 'utf8'), /bomb failed after 5 attempt/)
  await t.resolves(gone(exp))
})

t.test(
  'a machine that kills all workers again and again: the sweep stops and can be resumed',
  async t => {
    const bomb = { act: 'kill-agent', always: true }
    const cwd = bench([bomb, bomb, bomb, bomb, {}])
    const { status, stdout } = upfHeds([...ARGS.slice(0, -1), '2'], cwd)
    t.equal(status, 6)
    t.match(stdout, /no worker is left/)
    t.match(fs.readFileSync(join(cwd, 'out/EXP001/alerts.txt'), 'utf8'), /no worker is left/)
    const exp = join(cwd, 'out/EXP001')
    t.match(read(join(exp, 'status.json')), { exit: 6, reason: 'no worker is left' })
    await t.resolves(gone(exp))
  },
)

t.test('a RUN past its timeout is hung, and does not hold up the sweep', async t => {
  const cwd = bench([{ act: 'sleep', timeout: 0.5 }, {}])
  const { status, stderr } = upfHeds(ARGS, cwd)
  t.equal(status, 0, stderr)
  t.match(read(join(cwd, 'out/EXP001/run/R0/error.json')), { fate: 'hung', attempt: 1 })
})

t.test('two leaders on one EXP: the second is refused and the first goes on', async t => {
  const cwd = bench([{ act: 'sleep', always: true }])
  const first = start(ARGS, cwd)
  await first.until(/R0 running/)
  const second = upfHeds(['resume', join(cwd, 'out/EXP001')], cwd)
  t.equal(second.status, 2)
  t.match(second.stdout + second.stderr, /is being run by process \d+/)
  t.equal(second.stdout, '', 'before it says or changes anything')
  first.child.kill('SIGTERM')
  const { status } = await first.ended
  t.equal(status, 6)
})

t.test('of many tiny RUNs in the hands of an executor that dies, one is to blame', async t => {
  const bad = [150, 151, 170]
  const cwd = bench(
    Array.from({ length: 200 }, (_, i) => ({
      quiet: true,
      act: bad.includes(i) ? 'segv' : 'ok',
    })),
  )
  const { status, stderr } = upfHeds([...ARGS.slice(0, -1), '2'], cwd)
  t.equal(status, 0, stderr)
  const run = (i: number, file: string) => join(cwd, 'out/EXP001/run', `R${i}`, file)
  const all = Array.from({ length: 200 }, (_, i) => i)
  t.strictSame(
    all.filter(i => fs.existsSync(run(i, 'error.json'))),
    bad,
  )
  t.strictSame(
    all.filter(i => read(run(i, 'stop.marker')).attempt === 2),
    bad,
  )
})
