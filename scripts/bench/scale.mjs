// Does a RUN cost the same with 10,000 ranks as with 100? Simulated ranks over real sockets, CURVE and
// journal on, sizes interleaved. Each RUN is given and answered by itself, as RUNs of a second or more are:
// tiny ones share frames, the more of them the fewer ranks there are (--tiny).
// Usage: npm run -s bench -- scale [--sizes 100,1000,10000] [--runs 50000] [--times 3] [--tiny]
import { parseArgs } from 'node:util'
import { median, round } from './parts/measure.mjs'
import { simulated } from './parts/simulated.mjs'

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,1000,10000' },
    runs: { type: 'string', default: '50000' },
    times: { type: 'string', default: '3' },
    tiny: { type: 'boolean', default: false },
  },
})
const sizes = values.sizes.split(',').map(Number)
const results = new Map(sizes.map(size => [size, []]))
for (let i = 0; i < Number(values.times); i++)
  for (const ranks of sizes) {
    const runs = Number(values.runs)
    const result = await simulated({ ranks, runs, says: values.tiny ? 0 : 1, processes: 2 })
    results.get(ranks).push(result)
    console.log(JSON.stringify({ ranks, ...result }))
  }
const of = (size, key) => round(median(results.get(size).map(r => r[key])))
const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
const ratio = round(of(most, 'us') / of(least, 'us'))
const registered_s = of(most, 'registered')
const leader_mb = of(most, 'mb')
const lag_p99_ms = of(most, 'lag_p99_ms')
console.log(
  JSON.stringify({
    bench: 'scale',
    us_per_run: Object.fromEntries(sizes.map(size => [size, of(size, 'us')])),
    ratio,
    registered_s,
    leader_mb,
    lag_p99_ms,
    lag_max_ms: of(most, 'lag_max_ms'),
    bar_ratio: 1.5,
    bar_registered_s: 15,
    bar_leader_mb: 400,
    bar_lag_p99_ms: 100,
    ok: ratio <= 1.5 && registered_s <= 15 && leader_mb <= 400 && lag_p99_ms <= 100,
  }),
)
