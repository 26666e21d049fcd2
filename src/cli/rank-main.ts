import { HedError } from '../base/errors.js'
import { openExp } from '../experiment/exp.js'
import { childEnvironment, detectPlace } from '../sites/detect.js'
import { loadWorkflow } from './workflows.js'

export interface RankArgs {
  readonly exp: string
  readonly rank: number | undefined
  readonly epoch: number
  readonly lifeline: boolean
  /** URL of the workflow's module, where the launcher knows it. */
  readonly workflow: string | undefined
}

/** One rank: 0 leads, the others are agents. @returns the exit status */
export async function rankMain(args: RankArgs): Promise<number> {
  const rank = args.rank ?? detectPlace(process.env)?.rank
  if (rank === undefined)
    throw new HedError('PROTOCOL', 'no launcher has told this process its rank', {
      hint: 'Start it with mpiexec or srun, or give --rank.',
    })
  const exp = openExp(args.exp, '.')
  const { lifeline } = args
  if (rank === 0) {
    const { leaderMain } = await import('../engine/leader-process.js')
    const status = await leaderMain({ exp, loopback: lifeline, lifeline })
    return leave(status)
  }
  const { workflow, url } = await loadWorkflow(exp.workflow)
  const { agentMain } = await import('../engine/agent-process.js')
  const status = await agentMain({
    exp,
    rank,
    workflow: {
      url: args.workflow ?? url,
      name: exp.workflow,
      stageVersion: workflow.stageVersion,
    },
    epoch: args.epoch,
    lifeline,
    environment: childEnvironment(process.env),
  })
  return leave(status)
}

/** Sockets and pipes may keep the process awake; what had to be written is written. */
function leave(status: number): never {
  process.exit(status)
}
