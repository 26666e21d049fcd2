import * as layout from '../experiment/layout.js'
import type { AgentOptions } from './agent-options.js'
import type { ToExecutor } from './executor-protocol.js'

/**
 * What an agent tells an executor besides RUNs, with all that it needs to know.
 * @param data node-local folder of the data @param leaderEpoch of the leader that it follows now
 */
export function instruction(
  type: 'stage' | 'open' | 'leader',
  options: AgentOptions,
  data: string,
  leaderEpoch: number,
): ToExecutor {
  const { exp, epoch, lifeline } = options
  const { THREADS: threads, BACKEND: backend, DATA_SOURCE, PROCS, PPN } = exp.settings
  const workflow = options.workflow.url
  switch (type) {
    case 'stage': {
      const isAlone = lifeline || PROCS <= PPN // no other node
      const there = { engine: layout.engine(exp.path), epoch, what: 'data' } as const
      const of = { dataSource: DATA_SOURCE, digest: exp.data.digest, target: data }
      return { type, workflow, ...of, source: isAlone ? undefined : there }
    }
    case 'open':
      return { type, workflow, data, threads, backend }
    case 'leader':
      return { type, epoch: leaderEpoch }
  }
}
