// What 1.1 million rows cost: Parquet into the node-local form, once a node, and in each executor loading it and holding
// out one drug. Each time in a new process; medians, and for the partition its first time, which is what a RUN waits for.
// Usage: npm run -s bench -- partition [--rows 1100000] [--times 5] [--cells 700] [--drugs 770]
//        [--cell-features 958] [--drug-features 1613]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeData } from './parts/make-data.mjs'
import { median, round } from './parts/measure.mjs'
import { options } from './parts/options.mjs'

/** Seconds: from the Parquet files to Arrow; a partition. */
const BARS = { stage_s: 3, partition_s: 0.06 }
const given = options({
  rows: 1_100_000,
  times: 5,
  cells: 700,
  drugs: 770,
  'cell-features': 958,
  'drug-features': 1613,
})
const ONCE = fileURLToPath(new URL('./parts/partition-once.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'upf-heds-partition-'))
const once = (...args) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [ONCE, ...args], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
try {
  console.log(`load ${round(loadavg()[0])} at the start; making ${given.rows} rows`)
  const source = join(folder, 'data')
  const [cellFeatures, drugFeatures] = [given['cell-features'], given['drug-features']]
  await makeData(source, { ...given, cellFeatures, drugFeatures }, given.rows)
  const [staged, loaded] = [[], []]
  for (let i = 0; i < given.times; i++) {
    const target = join(folder, 'staged')
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { mode: 0o700 })
    staged.push(once('stage', source, target))
    loaded.push(once('load', target, String(i)))
  }
  const of = (list, pick) => round(median(list.map(pick)))
  const result = {
    stage_s: of(staged, s => s.seconds),
    stage_rss_mb: of(staged, s => s.rss_mb),
    load_s: of(loaded, l => l.load_s),
    partition_s: of(loaded, l => l.partition_s[0]),
    partition_again_s: of(loaded, l => l.partition_s[2]),
    stage_cpu_s: of(staged, s => s.cpu_s),
    partition_cpu_s: of(loaded, l => l.partition_cpu_s),
    load_rss_mb: of(loaded, l => l.rss_mb),
  }
  const judge = name => (result[name] <= BARS[name] ? 'ok' : 'missed')
  console.log(
    `Parquet to Arrow, once a node   ${result.stage_s} s, bar ${BARS.stage_s} s: ${judge('stage_s')}; ${result.stage_cpu_s} s of CPU, ${result.stage_rss_mb} MB`,
  )
  console.log(`load, once an executor          ${result.load_s} s`)
  console.log(
    `partition                       ${result.partition_s} s, bar ${BARS.partition_s} s: ${judge('partition_s')}; ${result.partition_cpu_s} s of CPU, again ${result.partition_again_s} s`,
  )
  const ok = Object.keys(BARS).every(name => result[name] <= BARS[name])
  console.log(JSON.stringify({ bench: 'partition', ...given, ...result, bars: BARS, ok }))
  process.exitCode = ok ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
