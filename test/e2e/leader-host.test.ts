import { join } from 'node:path'
import t from 'tap'
import { gone, invariants } from './invariants.js'
import { MPI_LAUNCHERS, placeOf, startLab } from './lab.js'
import { isHeld, letGo, slowFiles } from './slow-sweep.js'

/** The host of the leader crashes, under the launchers of MPI: simulated hosts, real launchers. */

/** Left out as a rule: each takes more than half a minute, in which the lock of a leader that cannot be asked grows old. */
const LAUNCHERS = process.env['LONG'] === undefined ? [] : MPI_LAUNCHERS
if (LAUNCHERS.length === 0) t.pass('left out', { skip: 'LONG=1 runs it: two minutes' })

const ALL = ['R0', 'R1', 'R2', 'R3', 'R4']

for (const name of LAUNCHERS)
  t.test(`${name}: the leader's host crashes; resume completes the sweep`, async t => {
    const lines = ALL.map(id => ({ id, hold: 'mid-epoch' }))
    const lab = await startLab(t, slowFiles(lines))
    if (!lab) return
    const exp = join(lab.cwd, 'out/EXP001')
    const sweep = lab.start(`${name}.json`, 'upf.txt', 'dflts.json', '--data-source', 'data')
    for (const run of ALL) await isHeld(exp, run)
    const there = ALL.filter(run => placeOf(exp, run).host === 'h1')
    t.equal(there.length, 1, 'beside the leader one worker')
    lab.hosts.kill('h1')
    const { status, stdout, stderr } = await sweep.ended
    t.equal(status, 6, stdout + stderr)
    t.match(stdout + stderr, /resume/, 'it says what to do')
    await gone(exp)
    t.equal(invariants(exp, false).finished, 0)
    for (const run of ALL) letGo(exp, run)
    // the host is away: another has its ranks
    const again = lab.call('resume', exp, '--hosts', 'h2,h3', '--procs', '4')
    t.match(again, { status: 0, stdout: /5 RUNs finished, 0 failed/ }, again.stderr)
    const found = invariants(exp)
    t.strictSame(found.problems, [])
    t.equal(found.finished, ALL.length)
    t.ok(found.begun - found.epochs <= ALL.length, 'of each RUN the epoch that it was in, at most')
  })
