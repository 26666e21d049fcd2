import t from 'tap'
import { deadlineOf } from '../../src/engine/deadline.js'
import { checkSettings, mergeSettings } from '../../src/sites/settings.js'

const check = (flags: Record<string, string>) =>
  checkSettings(mergeSettings('local', {}, { DATA_SOURCE: 'data', ...flags }))

t.test('WALLTIME is a time, or refused by name', async t => {
  for (const [text, seconds] of [
    ['1:30:00', 5400],
    ['30:00', 1800],
    ['90', 90],
    ['0:00:05', 5],
  ] as const)
    t.equal(deadlineOf(check({ WALLTIME: text }).WALLTIME, {}, 100), 100 + seconds, text)
  t.equal(deadlineOf(check({}).WALLTIME, {}, 100), Infinity)
  for (const text of ['an hour', '1h', '1:2:3:4', '1:75', '-5', ':', '1.5'])
    t.throws(() => check({ WALLTIME: text }), { message: /WALLTIME is .* want H:MM:SS/ }, text)
})

t.test('the end that Slurm names goes before WALLTIME', async t => {
  const end = String(Math.round(Date.now() / 1000) + 600)
  const deadline = deadlineOf('1:00', { SLURM_JOB_END_TIME: end }, 100)
  t.ok(deadline > 690 && deadline < 702, String(deadline))
})

t.test('settings that steer the engine are checked', async t => {
  for (const [name, wrong] of [
    ['LEASE', '5,5,120'],
    ['LEASE', '5,30'],
    ['LEASE', '0,30,120'],
    ['LEASE', '0.001,0.002,0.003'],
    ['LEASE', '1e9,1e10,1e11'],
    ['RANKS', 'both'],
    ['ORDER', 'random'],
    ['MAX_FAILED', '-2'],
    ['PROCS', '1'],
    ['BENCHMARK_TIMEOUT', '0'],
  ] as const)
    t.throws(() => check({ [name]: wrong }), { message: new RegExp(`^${name} is "${wrong}"`) })
})
