// How well workers are kept busy: 500 RUNs of lognormal length on 16 simulated workers over real sockets,
// against the greedy bound (the next RUN to whoever is free first, at no cost).
// Usage: npm run -s bench -- utilisation [--runs 500] [--workers 16] [--mean 0.4] [--times 5]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { randomFloats, randomKey } from '../../dist/src/base/random.js'
import { median, round } from './parts/measure.mjs'
import { simulated } from './parts/simulated.mjs'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    workers: { type: 'string', default: '16' },
    mean: { type: 'string', default: '0.4' },
    times: { type: 'string', default: '5' },
  },
})
const [runs, workers, mean] = [values.runs, values.workers, values.mean].map(Number)
const SIGMA = 0.8
const uniform = randomFloats(randomKey(0, 'bench'), 0, 0, 0, 2 * runs)
const seconds = Array.from({ length: runs }, (_, i) => {
  const normal =
    Math.sqrt(-2 * Math.log(1 - uniform[2 * i])) * Math.cos(2 * Math.PI * uniform[2 * i + 1])
  return mean * Math.exp(SIGMA * normal - SIGMA ** 2 / 2)
})
const free = new Array(workers).fill(0)
for (const s of seconds) free[free.indexOf(Math.min(...free))] += s
const bound = Math.max(...free)
const folder = mkdtempSync(join(tmpdir(), 'upf-heds-times-'))
const times = join(folder, 'times.json')
const id = i => `RUN${String(i).padStart(6, '0')}`
writeFileSync(times, JSON.stringify(Object.fromEntries(seconds.map((s, i) => [id(i), s]))))
const all = []
for (let i = 0; i < Number(values.times); i++) {
  const result = await simulated({ ranks: workers, runs, times })
  all.push(bound / result.seconds)
  console.log(JSON.stringify({ share: all.at(-1), seconds: result.seconds, bound }))
}
rmSync(folder, { recursive: true })
const share = round(median(all))
console.log(
  JSON.stringify({
    bench: 'utilisation',
    share_of_greedy_bound: share,
    bound_s: round(bound),
    mean_run_s: mean,
    bar: 0.97,
    ok: share >= 0.97,
  }),
)
