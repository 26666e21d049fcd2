// Scoring rates of full Uno, each tower once a cell and once a drug, beside PyTorch (the python of PYTHON, else python3),
// which predicts row by row; in rotation, medians.
// Pairs of cell and drug are random: a quarter of them was there before. --repeats 0: all different, as those of GDSC.
// Usage: npm run -s bench -- score [--rows 65000] [--batch 1024] [--turns 3] [--repeats 1] [--backends blas:onednn,ort] [--threads 2]
//        [--width 1000] [--cells 580] [--drugs 170] [--cell-features 958] [--drug-features 1613]
import { loadavg } from 'node:os'
import { median, round } from './parts/measure.mjs'
import { options } from './parts/options.mjs'
import { ourNames, ours, pythonWithTorch, SIZES, torch } from './parts/peers.mjs'

/** Times PyTorch's rate. */
const BAR = 4
const given = options({ rows: 65_000, batch: 1024, turns: 3, repeats: 1, backends: [], ...SIZES })
const python = pythonWithTorch()
const backends = given.backends.length === 0 ? await ourNames() : given.backends
console.log(`load ${round(loadavg()[0])} at the start`)

const work = {
  ...{ batch: 512, train: 1, score: given.rows, scoreBatch: given.batch },
  repeats: given.repeats !== 0,
}
const peers = []
for (const name of backends) peers.push(await ours(name, given, work))
const reference = await torch(python, given, work)
peers.push(reference)
for (const peer of peers) Object.assign(peer, { rates: [], cpu: [] })
for (let turn = 0; turn <= given.turns; turn++)
  for (const peer of peers) {
    const { seconds, cpu } = await peer.predict()
    if (turn === 0) continue // warm up
    peer.rates.push(given.rows / seconds)
    peer.cpu.push(cpu / given.rows)
  }
for (const peer of peers) await peer.close()

const results = peers.map(({ name, rates, cpu }) => ({
  name,
  rows_per_s: round(median(rates), 4),
  cpu_us: round(median(cpu) * 1e6),
  ratio: round(median(rates) / median(reference.rates)),
  cpu_ratio: round(median(reference.cpu) / median(cpu)),
}))
for (const { name, rows_per_s, cpu_us, ratio } of results)
  console.log(
    `${name.padEnd(17)} ${rows_per_s} rows/s, ${cpu_us} µs of CPU each; ${ratio} × PyTorch`,
  )
const [{ name, ratio }] = results
const ok = ratio >= BAR
console.log(`${name} ${ratio} ×, bar ${BAR} ×: ${ok ? 'ok' : 'missed'}`)
console.log(JSON.stringify({ bench: 'score', ...given, results, bar: BAR, ok }))
process.exitCode = ok ? 0 : 1
