// Plays seeds of the simulator (test/sim): the engine's own decisions on virtual time, with faults by chance.
// Usage: node scripts/simulate.mjs --seeds N [--from S]    many seeds; exit 1 at the first that fails
//        node scripts/simulate.mjs --seed X [--trace]      one seed, the same as ever; --trace: all that happens
import { parseArgs } from 'node:util'
import { simulate, traceOf } from '../dist/test/sim/simulate.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
if ((values.seeds === undefined) === (values.seed === undefined)) {
  console.error('usage: simulate.mjs --seeds N [--from S] | --seed X [--trace]')
  process.exit(2)
}
/** @returns undefined if it fails; no process.exit, which would cut what a pipe still holds */
const play = seed => {
  try {
    return simulate(seed)
  } catch (error) {
    console.error(`\n${error.message}`)
    process.exitCode = 1
    return undefined
  }
}

if (values.seed !== undefined) {
  const seed = Number(values.seed)
  if (values.trace) for (const line of traceOf(seed)) console.log(line)
  const outcome = play(seed)
  if (outcome) console.log(JSON.stringify(outcome))
} else {
  const from = Number(values.from)
  const count = Number(values.seeds)
  const began = performance.now()
  let events = 0
  let last = began
  for (let seed = from; seed < from + count; seed++) {
    const outcome = play(seed)
    if (!outcome) break
    events += outcome.events
    const now = performance.now()
    if (now - last < 1000 && seed < from + count - 1) continue
    last = now
    const rate = ((seed - from + 1) / (now - began)) * 1000
    process.stderr.write(`\r${seed - from + 1}/${count} seeds, ${rate.toFixed(0)} a second `)
  }
  const seconds = (performance.now() - began) / 1000
  if (process.exitCode !== 1)
    console.log(`\n${count} seeds, ${events} events, ${seconds.toFixed(1)} s, all invariants held`)
}
