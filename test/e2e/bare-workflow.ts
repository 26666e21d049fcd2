import type { Outcome, Params, RunContext, Workflow } from '../../src/experiment/workflow.js'

/** A workflow without data: all that it has is what its RUNs do. */
export function bareWorkflow(
  name: string,
  defaults: Params,
  run: (context: RunContext) => Promise<Outcome>,
): Workflow {
  return {
    name,
    defaults,
    known: [],
    files: [],
    stageVersion: 1,
    chooseBackend: async () => ({ name: 'none', why: 'nothing to compute' }),
    inspect: async () => ({ notes: [], resolve: () => ({ resolved: {} }) }),
    stage: async () => undefined,
    verify: async () => undefined,
    open: async () => ({ run, close: async () => undefined }),
  }
}
