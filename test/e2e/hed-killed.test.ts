import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gone } from './invariants.js'
import { bench, sweep } from './small-hed.js'
import { processes, resultBytes, start, upfHeds } from './sweep.js'

t.test('killed anywhere and resumed, a sweep ends in the bytes of one never disturbed', async t => {
  const cwd = bench(40)
  t.equal(upfHeds(sweep('--procs', '3'), cwd).status, 0)
  const wanted = resultBytes(join(cwd, 'out/EXP001'))
  const kinds = ['executor', 'agent', 'leader', 'cli'] as const
  for (const [i, kind] of kinds.entries()) {
    const exp = join(cwd, 'out', `EXP00${i + 2}`)
    const running = start(sweep('--procs', '3'), cwd)
    await running.until(epochFrom(5 + i))
    const victim =
      kind === 'cli' ? running.child.pid : processes(exp).find(p => p.kind === kind)?.pid
    t.type(victim, 'number', `there is a living ${kind}`)
    process.kill(victim!, 'SIGKILL')
    const { status, signal } = await running.ended
    if (kind === 'cli') t.equal(signal, 'SIGKILL')
    else t.equal(status, kind === 'leader' ? 6 : 0, `${kind} killed`)
    await t.resolves(gone(exp), `nobody is left after the ${kind} was killed`)
    if (status !== 0) t.equal(upfHeds(['resume', exp], cwd).status, 0, 'resumed')
    t.strictSame(resultBytes(exp), wanted, kind)
    const again = fs
      .readdirSync(join(exp, 'out'))
      .flatMap(
        name => fs.readFileSync(join(exp, 'out', name), 'utf8').match(/RUN\d+: epoch \d+\//g) ?? [],
      )
    const repeated = again.filter((line, at) => again.indexOf(line) !== at).map(l => l.slice(0, 6))
    t.equal(new Set(repeated).size, repeated.length, 'at most one epoch trained again per RUN')
  }
})

t.test('SIGTERM saves what runs, exits 6, and resume goes on', async t => {
  const cwd = bench(40)
  const running = start(sweep('--procs', '2'), cwd)
  await running.until(epochFrom(3))
  running.child.kill('SIGTERM')
  const { status, stderr } = await running.ended
  t.equal(status, 6)
  t.match(stderr, /hint: upf-heds resume/)
  const exp = join(cwd, 'out/EXP001')
  t.match(JSON.parse(fs.readFileSync(join(exp, 'status.json'), 'utf8')), {
    exit: 6,
    reason: 'SIGTERM',
  })
  t.ok(fs.existsSync(join(exp, 'run/RUN000/ckpts/last/model.h5')))
  t.notOk(fs.existsSync(join(exp, 'run/RUN000/error.json')), 'being stopped is no fault')
  const resumed = upfHeds(['resume', exp], cwd)
  t.equal(resumed.status, 0, resumed.stderr)
})

/** A line that shows `least` epochs or more; not every epoch has a line. */
function epochFrom(least: number): RegExp {
  const numbers = Array.from({ length: 80 }, (_, i) => i + 1).filter(n => n >= least)
  return new RegExp(`epoch (?:${numbers.join('|')})/`)
}
