// What the leader itself costs where it is largest: 127,488 tiles behind 10,624 agents, RUNs that do nothing.
// No sockets and no disk: the real decisions, with every body and record encoded as the leader's process does.
// Usage: npm run -s bench -- simulator [--agents 10624] [--slots 12] [--runs 500000]
import { parseArgs } from 'node:util'
import { newLeader } from '../../dist/src/engine/leader-state.js'
import { onMessage, onTick } from '../../dist/src/engine/leader.js'
import { PROTOCOL } from '../../dist/src/engine/protocol.js'
import { encodeRecord } from '../../dist/src/experiment/journal.js'

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '10624' },
    slots: { type: 'string', default: '12' },
    runs: { type: 'string', default: '500000' },
  },
})
const [agents, slots, runs] = [values.agents, values.slots, values.runs].map(Number)
const BAR_RUNS_PER_S = 10_000
const BAR_MB = 1536
/** As LEASE and the leader's tick. */
const [BEAT, SUSPECT, LOST] = [5, 30, 120]
const HEALTH = { lagP99: 1, lagMax: 2, rss: 5e7 }
const FINISH = {
  ...{ marker: 'f'.repeat(64), epochs: 0, reason: 'completed' },
  ...{ seconds: 1, durable: true },
}

const plan = Array.from({ length: runs }, (_, n) => ({
  run: `RUN${n}`,
  line: n + 1,
  params: { epochs: 0, learning_rate: 1e-4, seed: n },
  origins: { epochs: 'DFLTS', learning_rate: 'default', seed: 'UPF' },
  resolved: { index: n },
  ...{ retries: 1, timeout: -1, memory: -1, digest: `${n}`.padStart(64, '0') },
}))
const settings = {
  ...{ crashLimit: 3, beat: BEAT, suspect: SUSPECT, lost: LOST },
  ...{ maxFailed: Infinity, deadline: Infinity, prefetch: 64 },
}

let now = 0 // virtual seconds: as if RUNs went at the rate of the bar
let ms = 0 // spent in the leader
let bytes = 0
let sequence = 0
let over = false
/** Orders in the hands of each slot: what an agent would have. */
const hands = Array.from({ length: agents }, () => Array.from({ length: slots }, () => []))
const nameOf = rank => `${rank}-a`
const rankOf = name => Number.parseInt(name, 10)

/** What the leader's process does with effects. */
function perform(effects) {
  const later = []
  for (const effect of effects)
    switch (effect.do) {
      case 'send':
        bytes += JSON.stringify(effect.message).length
        if (effect.message.type === 'run')
          hands[rankOf(effect.to)][effect.message.slot].push(effect.message.order)
        break
      case 'journal':
        bytes += encodeRecord(++sequence, effect.record).length
        later.push(...effect.then)
        break
      case 'over':
        over = true
    }
  if (later.length > 0) perform(later)
}

const took = action => {
  const began = performance.now()
  perform(action())
  ms += performance.now() - began
}
const say = (rank, message) => took(() => onMessage(leader, nameOf(rank), message, now))

const leader = newLeader(plan, settings)
for (let rank = 0; rank < agents; rank++) {
  const place = { rank, host: `x${rank}`, node: `x${rank}`, pid: 1000 + rank, slots }
  say(rank, { type: 'hello', protocol: PROTOCOL, ...place, held: [], phase: 'closed' })
  say(rank, { type: 'staged' })
}
const registered = ms
ms = 0
for (let rank = 0; rank < agents; rank++)
  for (let slot = 0; slot < slots; slot++) say(rank, { type: 'ready', slot })

let done = 0
let ticked = 0
/** Each agent says its beat once in BEAT seconds, spread evenly over them. */
let beaten = 0
while (!over) {
  for (let rank = 0; rank < agents && !over; rank++)
    for (let slot = 0; slot < slots; slot++) {
      const order = hands[rank][slot].shift()
      if (!order) continue
      const { run, attempt } = order
      say(rank, { type: 'done', slot, run, attempt, finish: FINISH })
      if (hands[rank][slot].length === 0) say(rank, { type: 'ready', slot })
      now = ++done / BAR_RUNS_PER_S
      for (; beaten < (now / BEAT) * agents; beaten++) beat(beaten % agents)
      if (now < ticked + 1) continue
      ticked = now
      took(() => onTick(leader, now))
    }
}

function beat(rank) {
  const held = []
  const idle = []
  hands[rank].forEach((orders, slot) => {
    for (const { run, attempt } of orders) held.push({ slot, run, attempt })
    if (orders.length === 0) idle.push(slot)
  })
  say(rank, { type: 'beat', health: HEALTH, inventory: { phase: 'open', held, idle } })
}

if (leader.counts.finished !== runs) throw new Error(`${leader.counts.finished} RUNs finished`)
const runsPerS = Math.round((runs / ms) * 1000)
const mb = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(
  JSON.stringify({
    bench: 'simulator',
    tiles: agents * slots,
    ...{ agents, runs },
    runs_per_s: runsPerS,
    us_per_run: Number(((ms * 1000) / runs).toFixed(2)),
    register_us: Number(((registered * 1000) / agents).toFixed(1)),
    rss_mb: mb,
    sent_mb: Math.round(bytes / 1e6),
    bar_runs_per_s: BAR_RUNS_PER_S,
    bar_mb: BAR_MB,
    ok: runsPerS >= BAR_RUNS_PER_S && mb <= BAR_MB,
  }),
)
