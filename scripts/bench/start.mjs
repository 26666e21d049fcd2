// How soon an executor is ready — process, workflow, table, backend — each time in a new process, median; and what one
// takes of memory at most while it trains full Uno in a real sweep, with checkpoints and scoring.
// Usage: npm run -s bench -- start [--times 5] [--rows 65536] [--train-rows 10000] [--epochs 2] [--batch 512] [--threads 2]
//        [--backends blas:onednn] [--cells 580] [--drugs 170] [--cell-features 958] [--drug-features 1613] [--width 1000]
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnExecutor } from '../../dist/src/engine/executor-host.js'
import { stageData } from '../../dist/workflows/hed/data.js'
import { makeData } from './parts/make-data.mjs'
import { median, memory, round } from './parts/measure.mjs'
import { options } from './parts/options.mjs'
import { ourNames, sizeOf, SIZES } from './parts/peers.mjs'

/** Seconds from the start of the process; MB of physical memory, also what it shares with other processes. */
const BARS = { ready_s: 1, rss_mb: 900 }
const given = options({
  ...{ times: 5, rows: 65_536, 'train-rows': 10_000, epochs: 2, batch: 512, backends: [] },
  ...SIZES,
})
const [backend] = given.backends.length === 0 ? await ourNames() : given.backends
const local = name => fileURLToPath(new URL(name, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'upf-heds-start-'))
const size = sizeOf(given)

try {
  console.log(`load ${round(loadavg()[0])} at the start; ${backend}`)
  await makeData(join(folder, 'data'), size, given.rows)
  const staged = join(folder, 'staged')
  mkdirSync(staged, { mode: 0o700 })
  await stageData(join(folder, 'data'), staged)
  const times = []
  for (let i = 0; i < given.times; i++) times.push(await ready(staged))
  await makeData(join(folder, 'small'), size, given['train-rows'])
  const used = await sweep()
  const result = { ready_s: round(median(times)), slowest_s: round(Math.max(...times)), ...used }
  const judge = name => (result[name] <= BARS[name] ? 'ok' : 'missed')
  console.log(
    `ready ${result.ready_s} s (slowest ${result.slowest_s} s), bar ${BARS.ready_s} s: ${judge('ready_s')}\n` +
      `memory ${result.rss_mb} MB (${result.pss_mb} MB of it not shared), bar ${BARS.rss_mb} MB: ${judge('rss_mb')}`,
  )
  const ok = Object.keys(BARS).every(name => result[name] <= BARS[name])
  console.log(JSON.stringify({ bench: 'start', ...given, backend, ...result, bars: BARS, ok }))
  process.exitCode = ok ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Seconds until an executor says that it is ready for RUNs. */
function ready(data) {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    const executor = spawnExecutor(
      { environment: process.env, before: [] },
      {
        onMessage: message => {
          executor.kill()
          if (message.type === 'opened') resolve((performance.now() - begun) / 1000)
          else reject(new Error(JSON.stringify(message)))
        },
        onOutput: line => console.error(line),
        onExit: (fate, how) => reject(new Error(`${fate}: ${how}`)), // nothing where it was ready before
      },
    )
    const workflow = new URL('../../dist/workflows/hed/index.js', import.meta.url).href
    executor.tell({ type: 'open', workflow, data, threads: given.threads, backend })
  })
}

/** Train one RUN with the command line and look at its executor: the most it had. */
async function sweep() {
  const file = (name, value) => {
    writeFileSync(join(folder, name), JSON.stringify(value))
    return join(folder, name)
  }
  const upf = file('upf.txt', { id: 'RUN000', index: 0 })
  const arch = count => Array.from({ length: count }, () => given.width)
  const dflts = file('dflts.json', {
    ...{ epochs: given.epochs, batch_size: given.batch, hyperparam_space: 'block' },
    ...{ canc_arch: arch(3), drug_arch: arch(3), interaction_arch: arch(5) },
  })
  const child = spawn(
    process.execPath,
    [
      ...[local('../../dist/src/cli/bin.js'), 'local', upf, dflts, '--procs', '2'],
      ...['--threads', String(given.threads), '--backend', backend],
      ...['--data-source', join(folder, 'small'), '--candle-data-dir', join(folder, 'out')],
      ...['--tmp-root', join(folder, 'tmp')],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const over = new Promise(done => child.on('exit', done))
  let [rss_mb, pss_mb, going] = [0, 0, true]
  const ended = over.then(status => {
    going = false
    if (status !== 0) throw new Error(`the sweep ended with ${status}`)
  })
  while (going) {
    for (const pid of executors()) {
      rss_mb = Math.max(rss_mb, memory(pid, 'status', 'VmHWM'))
      pss_mb = Math.max(pss_mb, memory(pid, 'smaps_rollup', 'Pss'))
    }
    await Promise.race([sleep(100), over])
  }
  await ended
  if (rss_mb === 0) throw new Error('no executor was seen')
  return { rss_mb: round(rss_mb), pss_mb: round(pss_mb) }
}

/** Executors of our sweep: children of the ranks that have its EXP among their arguments. */
function executors() {
  const all = readdirSync('/proc').filter(pid => /^\d+$/.test(pid))
  const ranks = all.filter(pid => text(pid, 'cmdline').includes(join(folder, 'out')))
  return all.filter(pid => {
    const parent = /^PPid:\s+(\d+)/m.exec(text(pid, 'status'))?.[1]
    return ranks.includes(parent) && text(pid, 'cmdline').includes('executor-bin.js')
  })
}

/** Nothing of a process that is gone. */
function text(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
