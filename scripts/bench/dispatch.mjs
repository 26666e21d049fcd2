// What a RUN that does nothing costs: 1,000 simulated ranks over real sockets, CURVE and journal on.
// Usage: npm run -s bench -- dispatch [--ranks 1000] [--runs 100000] [--times 5]
import { parseArgs } from 'node:util'
import { median } from './parts/measure.mjs'
import { simulated } from './parts/simulated.mjs'

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '100000' },
    times: { type: 'string', default: '5' },
  },
})
const results = []
for (let i = 0; i < Number(values.times); i++) {
  const result = await simulated({ ranks: Number(values.ranks), runs: Number(values.runs) })
  results.push(result)
  console.log(JSON.stringify(result))
}
const us = median(results.map(r => r.us))
console.log(
  JSON.stringify({
    bench: 'dispatch',
    us_per_run: us,
    all: results.map(r => r.us),
    leader_cpu_us: median(results.map(r => r.cpu_us)),
    lag_p99_ms: median(results.map(r => r.lag_p99_ms)),
    leader_mb: median(results.map(r => r.mb)),
    bar_us: 60,
    stretch_us: 30,
    ok: us <= 60,
  }),
)
