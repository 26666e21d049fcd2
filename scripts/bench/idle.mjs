// What an agent costs that has nothing to do: one RUN that sleeps, and agents that wait for another.
// Usage: npm run -s bench -- idle [--seconds 60] [--agents 5]
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cpu, median, memory, round } from './parts/measure.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    agents: { type: 'string', default: '5' },
  },
})
const seconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'upf-heds-idle-'))
const path = (name, text) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const local = name => fileURLToPath(new URL(name, import.meta.url))
const upf = path('upf.txt', JSON.stringify({ id: 'SLEEPS', seconds: seconds + 30 }))
const dflts = path('dflts.json', JSON.stringify({ workflow: local('./parts/noop-workflow.mjs') }))
mkdirSync(join(folder, 'data'))
const sweep = spawn(
  process.execPath,
  [
    ...[local('../../dist/src/cli/bin.js'), 'local', upf, dflts, '--threads', '1'],
    ...['--procs', String(Number(values.agents) + 1), '--data-source', join(folder, 'data')],
    ...['--candle-data-dir', join(folder, 'out'), '--tmp-root', join(folder, 'tmp')],
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
)
await sleep(10_000) // all are there, and have warmed up
const busy = /^rank = (\d+)$/m.exec(readFileSync(join(folder, 'out/EXP001/run/SLEEPS/rank.txt')))[1]
const idle = readdirSync('/proc').filter(pid => {
  if (!/^\d+$/.test(pid)) return false
  const args = argv(pid)
  const at = args.indexOf('--rank') // executors have none
  const rank = args[at + 1]
  return at > 0 && args.includes(join(folder, 'out/EXP001')) && rank !== '0' && rank !== busy
})
const before = idle.map(cpu)
const begun = performance.now()
await sleep(seconds * 1000)
const passed = (performance.now() - begun) / 1000
const cpus = idle.map((pid, i) => (100 * (cpu(pid) - before[i])) / passed)
const rss = idle.map(pid => memory(pid))
const pss = idle.map(pid => memory(pid, 'smaps_rollup', 'Pss'))
sweep.kill('SIGKILL')
await new Promise(done => sweep.on('exit', done))
await sleep(1000)
rmSync(folder, { recursive: true, force: true })
const mb = round(median(pss))
const cpu_percent = round(Math.max(...cpus))
console.log(
  JSON.stringify({
    bench: 'idle',
    agents: idle.length,
    // its own pages, and its share of those that all Node processes of the node have in common
    mb,
    rss_mb: round(median(rss)),
    cpu_percent,
    cpu_percent_median: round(median(cpus)),
    bar_mb: 50,
    bar_cpu_percent: 0.2,
    ok: mb <= 50 && cpu_percent <= 0.2,
  }),
)

function argv(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
