import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunContext, Workflow } from '../../src/experiment/workflow.js'

/**
 * A workflow without data whose RUNs do what their `act` says, in their first attempt or in all:
 * `ok`, `exit`, `throw`, `abort` (a signal), `sleep`.
 */
export const workflow: Workflow = {
  name: 'faulty',
  defaults: { act: 'ok', always: false, seed: 0 },
  known: [],
  files: [],
  stageVersion: 1,
  chooseBackend: async () => ({ name: 'none', why: 'nothing to compute' }),
  inspect: async () => ({ notes: [], resolve: () => ({ resolved: {} }) }),
  stage: async () => undefined,
  verify: async () => undefined,
  open: async () => ({ run: act, close: async () => undefined }),
}

async function act(context: RunContext) {
  const { params, attempt, directory, signal } = context
  context.progress({ phase: 'train', epoch: 0, epochs: 1 })
  if (attempt === 1 || params['always'] === true)
    switch (params['act']) {
      case 'exit':
        return process.exit(3)
      case 'throw':
        throw new Error('thrown on purpose')
      case 'abort':
        return process.abort()
      case 'sleep':
        // until it is killed, or told to stop
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
        throw new Error('woken up')
      default:
    }
  await writeFile(join(directory, 'result.txt'), `${context.run}\n`)
  return { epochs: 1, reason: 'completed' as const, outputs: ['result.txt'] }
}
