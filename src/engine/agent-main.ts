import { setTimeout as sleep } from 'node:timers/promises'
import * as layout from '../experiment/layout.js'
import type { AgentOptions } from './agent-options.js'
import { live } from './agent-process.js'
import type { ExecutorHost } from './executor-host.js'
import { holdLifeline } from './lifeline.js'
import { openRankLog } from './rank-log.js'
import { awaitRendezvous } from './rendezvous.js'

/** EX_TEMPFAIL: our own launcher starts the rank again. */
const RESTART_ME = 75
/** A leader that takes a lock over from another host waits 30 s for a sign of it. */
const FIRST_SECONDS = 12
/** Without a leader for this many leases it leaves: nobody comes any more. */
const LEASES_ALONE = 5

/** Run an agent to its end: one life after another, as long as there is a leader. */
export async function agentMain(options: AgentOptions): Promise<number> {
  const { exp, rank, lifeline } = options
  const log = openRankLog(layout.out(exp.path, rank))
  const hosts = new Map<number, ExecutorHost>()
  const killAll = () => hosts.forEach(host => host.kill())
  if (lifeline) holdLifeline(killAll, () => undefined)
  process.on('SIGINT', () => undefined) // the terminal sends it to all; the leader decides
  const engine = layout.engine(exp.path)
  let alone = 0
  while (alone < LEASES_ALONE) {
    const limit = Math.max(FIRST_SECONDS, exp.settings.LEASE[2])
    const leader = await awaitRendezvous(engine, options.epoch, limit)
    if (leader?.addresses.length === 0) {
      log.line('the leader has died for good: this rank leaves')
      await log.close()
      return 0
    }
    const ended = leader && (await live(options, leader, log, hosts))
    killAll()
    hosts.clear()
    if (ended && !ended.again) {
      await log.close()
      return 0
    }
    if (ended && lifeline) {
      await log.close()
      return RESTART_ME
    }
    alone = ended?.welcomed ? 0 : alone + 1
    await sleep(200 + 800 * Math.random())
  }
  log.line('no leader comes any more: this rank leaves')
  await log.close()
  return options.alone
}
