import { parseArgs } from 'node:util'
import { exitStatus, HedError, namingFault } from '../base/errors.js'
import { optimiseLate } from '../base/tier-up.js'
import { openExp } from '../experiment/exp.js'
import { childEnvironment, detectPlace } from '../sites/detect.js'
import { report } from './report.js'
import { loadWorkflow } from './workflows.js'

/**
 * One rank, as a launcher starts it: 0 leads, the others are agents. Not for people.
 * @param argv `--exp EXP [--rank N] [--size N] [--epoch N] [--lifeline] [--workflow URL]` @returns the exit status
 */
export async function rankMain(argv: readonly string[]): Promise<number> {
  try {
    return await serve(argv)
  } catch (thrown) {
    const error = namingFault(thrown)
    report(error, false)
    return leave(exitStatus(error)) // also where half of it has begun
  }
}

async function serve(argv: readonly string[]): Promise<number> {
  const { values: args } = parseArgs({
    args: [...argv],
    options: {
      exp: { type: 'string' },
      rank: { type: 'string' },
      size: { type: 'string' },
      epoch: { type: 'string', default: '1' },
      lifeline: { type: 'boolean', default: false },
      workflow: { type: 'string' },
    },
  })
  const rank = args.rank === undefined ? detectPlace(process.env)?.rank : Number(args.rank)
  if (rank === undefined)
    throw new HedError('PROTOCOL', 'no launcher has told this process its rank', {
      hint: 'Start it with mpiexec or srun, or give --rank.',
    })
  if (args.exp === undefined) throw new HedError('USAGE', 'rank: --exp is missing')
  const exp = openExp(args.exp, '.')
  const { lifeline } = args
  if (rank === 0) {
    const { leaderMain } = await import('../engine/leader-process.js')
    const status = await leaderMain({ exp, loopback: lifeline, lifeline })
    return leave(status)
  }
  optimiseLate()
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
    epoch: Number(args.epoch),
    lifeline,
    environment: childEnvironment(process.env),
  })
  return leave(status)
}

/** Sockets and pipes may keep the process awake; what had to be written is written. */
function leave(status: number): never {
  process.exit(status)
}
