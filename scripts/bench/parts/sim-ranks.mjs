// Simulated ranks in one process: real sockets with CURVE, the real agent, executors that end at once.
// argv: EXP first count says [file]: seconds that each RUN is said to have taken, and those it takes, by id
// parent: {"go":true} lets them ask for RUNs; this process says {"registered":n} and {"over":ms since go}.
import { readFileSync } from 'node:fs'
import { hello, isBeatNear, onBeat, onLeader } from '../../../dist/src/engine/agent.js'
import { newAgent } from '../../../dist/src/engine/agent-state.js'
import { onExecutor } from '../../../dist/src/engine/executor-events.js'
import { newOutbox } from '../../../dist/src/engine/outbox.js'
import { encodeHead, parseToAgent } from '../../../dist/src/engine/protocol.js'
import { awaitRendezvous, readKeys } from '../../../dist/src/engine/rendezvous.js'
import { allowSockets, connect } from '../../../dist/src/engine/socket.js'
import { openExp } from '../../../dist/src/experiment/exp.js'

const TIMES = { beat: 5, lost: 120, grace: 60, hungGrace: 10, openLimit: 3 }
const HEALTH = { lagP99: 0, lagMax: 0, rss: 0 }
const FINISH = { marker: 'f'.repeat(64), epochs: 0, reason: 'completed', durable: true }
const [path, first, count, says, times] = process.argv.slice(2)
const seconds = times ? JSON.parse(readFileSync(times, 'utf8')) : undefined
allowSockets(Number(count) + 100)
const exp = openExp(path, '.')
const engine = `${path}/.engine`
const { epoch, addresses } = await awaitRendezvous(engine, 0)
const keys = await readKeys(engine)
const now = () => performance.now() / 1000
let registered = 0
let went
let over = false
const agents = []

for (let i = 0; i < Number(count); i++) {
  agents.push(simulate(Number(first) + i))
  if (i % 64 === 63) await new Promise(resolve => setTimeout(resolve, 5))
}

function simulate(rank) {
  const nonce = 'a'
  const agent = newAgent(
    { rank, host: 'sim', node: `sim${Math.floor(rank / 12)}`, pid: rank, slots: 1, ...TIMES },
    now(),
  )
  const socket = connect(keys, addresses, `${rank}-${nonce}`, frame => {
    const message = parseToAgent(frame)
    for (const body of message?.bodies ?? []) perform(onLeader(agent, body, now()))
  })
  const outbox = newOutbox(encodeHead({ exp: exp.id, epoch, nonce }), 5, (_, frame) =>
    socket.send(frame),
  )
  const beat = () => perform(onBeat(agent, HEALTH, now()))
  const executor = message => {
    if (isBeatNear(agent, now())) beat()
    perform(onExecutor(agent, 0, message, now()))
  }
  const perform = effects => {
    for (const effect of effects)
      switch (effect.do) {
        case 'send':
          outbox.post('', JSON.stringify(effect.message), effect.lazy)
          break
        case 'tell':
          if (effect.message === 'stage') perform(onExecutor(agent, -1, { type: 'staged' }, now()))
          if (effect.message === 'open') {
            registered++
            if (registered === Number(count)) process.send({ registered })
          }
          break
        case 'order': {
          const took = seconds?.[effect.order.run] ?? 0
          const done = {
            type: 'done',
            finish: { ...FINISH, seconds: took || Number(says) },
          }
          if (took > 0) setTimeout(() => executor(done), took * 1000)
          else setImmediate(() => executor(done))
          break
        }
        case 'exit':
          if (!over) process.send({ over: performance.now() - went })
          over = true
          break
        default:
      }
  }
  perform(hello(agent))
  return {
    open: () => executor({ type: 'opened' }),
    beat: () => now() - agent.beaten > TIMES.beat - 0.5 && beat(),
  }
}

process.on('message', ({ go }) => {
  if (!go) process.exit(0)
  went = performance.now()
  for (const agent of agents) agent.open()
})
// no timer for each of ten thousand: they are looked at twice a second, a few at a time
const PARTS = 5
let part = 0
setInterval(() => {
  for (let i = part; i < agents.length; i += PARTS) agents[i].beat()
  part = (part + 1) % PARTS
}, 500 / PARTS)
