// Training rates of full Uno: what `auto` takes and `ort`, beside PyTorch (the python of PYTHON, else python3), in short
// turns in rotation, medians. With each turn a large product, for the share of the sgemm peak that training reaches, and
// at the largest batch the data path: what a step does besides arithmetic.
// Usage: npm run -s bench -- train [--batch 512,32] [--seconds 1 a turn, about] [--turns 7] [--backends blas:onednn,ort]
//        [--threads 2] [--dropout 0.1] [--width 1000] [--cells 580] [--drugs 170] [--cell-features 958] [--drug-features 1613]
import { loadavg } from 'node:os'
import { dataPath } from './parts/data-path.mjs'
import { median, round } from './parts/measure.mjs'
import { options } from './parts/options.mjs'
import { flopsOf, ourNames, ours, pythonWithTorch, sizeOf, SIZES, torch } from './parts/peers.mjs'

/** Times PyTorch's rate at each batch; share of a step that is no arithmetic. */
const BARS = { train: 1.1, data_path: 0.03 }
const given = options({ batch: [512, 32], seconds: 1, turns: 7, backends: [], ...SIZES })
const python = pythonWithTorch()
const backends = given.backends.length === 0 ? await ourNames() : given.backends
const size = sizeOf(given)
const flops = flopsOf(size)
console.log(`load ${round(loadavg()[0])} at the start; ${round(flops / 1e6)} MFLOP a sample`)

const results = []
for (const batch of given.batch) results.push(await compare(batch))
const ok = results.every(each => each.ok)
console.log(JSON.stringify({ bench: 'train', ...given, results, bars: BARS, ok }))
process.exitCode = ok ? 0 : 1

async function compare(batch) {
  // as many steps as PyTorch does in that time, roughly
  const steps = Math.max(2, Math.round((given.seconds * 1000) / (25 + 0.45 * batch)))
  const work = { batch, train: batch * steps, score: 1, scoreBatch: 1 }
  const peers = []
  for (const name of backends) peers.push(await ours(name, given, work))
  const reference = await torch(python, given, work)
  peers.push(reference)
  for (const peer of peers) Object.assign(peer, { rates: [], cpu: [] })
  const peaks = []
  for (const peer of peers) await peer.train(0) // warm up
  for (let turn = 1; turn <= given.turns; turn++) {
    for (const peer of peers) {
      const { seconds, cpu } = await peer.train(turn)
      peer.rates.push(work.train / seconds)
      peer.cpu.push(cpu / work.train)
    }
    peaks.push(await reference.sgemm())
  }
  for (const peer of peers) await peer.close()

  const peak = median(peaks)
  console.log(
    `batch ${batch}, ${given.threads} threads; ${reference.adam}; sgemm ${round(peak)} GFLOP/s`,
  )
  const rows = peers.map(({ name, rates, cpu }) => ({
    name,
    samples_per_s: round(median(rates), 4),
    slowest: round(Math.min(...rates), 4),
    fastest: round(Math.max(...rates), 4),
    cpu_us: round(median(cpu) * 1e6),
    ratio: round(median(rates) / median(reference.rates)),
    share_of_sgemm: round((median(rates) * flops) / 1e9 / peak),
  }))
  for (const row of rows)
    console.log(
      `  ${row.name.padEnd(17)} ${row.samples_per_s} samples/s (${row.slowest} to ${row.fastest}), ${row.cpu_us} µs of CPU each; ` +
        `${row.ratio} × PyTorch, ${row.share_of_sgemm} of the sgemm peak`,
    )
  const trained = rows[0].ratio >= BARS.train
  console.log(
    `  ${rows[0].name} ${rows[0].ratio} ×, bar ${BARS.train} ×: ${trained ? 'ok' : 'missed'}`,
  )
  const isMeasured = batch === Math.max(...given.batch) && /^(blas:|ort$)/.test(rows[0].name)
  const path = isMeasured ? shareOfData(rows[0], batch) : undefined
  return { batch, sgemm_gflops: round(peak), peers: rows, path, ok: trained && (path?.ok ?? true) }
}

/** Measured alone, so that nothing of it hides behind products: an upper limit of what a step shows of it. */
function shareOfData({ name, samples_per_s }, batch) {
  const parts = dataPath(name, size, batch, given.threads)
  const without_ms = Object.values(parts).reduce((a, b) => a + b, 0)
  const step_ms = (1000 * batch) / samples_per_s
  const share = without_ms / step_ms
  const ok = share <= BARS.data_path
  console.log(
    `  a step of ${name}: ${round(step_ms)} ms, without arithmetic ${round(without_ms)} ms ` +
      `(${Object.entries(parts)
        .map(([part, ms]) => `${part.replace('_ms', '')} ${round(ms, 2)}`)
        .join(', ')}): ` +
      `${round(100 * share, 2)} %, bar ${100 * BARS.data_path} %: ${ok ? 'ok' : 'missed'}`,
  )
  return {
    step_ms: round(step_ms),
    without_ms: round(without_ms),
    ...parts,
    share: round(share),
    ok,
  }
}
