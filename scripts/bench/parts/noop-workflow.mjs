// A workflow whose RUNs do nothing, or sleep for `seconds`: what is left is the engine.
import { setTimeout as sleep } from 'node:timers/promises'

export const workflow = {
  name: 'noop',
  defaults: { seed: 0 },
  known: ['seconds'],
  files: [],
  stageVersion: 1,
  chooseBackend: async () => ({ name: 'none', why: 'nothing to compute' }),
  inspect: async () => ({ notes: [], resolve: () => ({ resolved: {} }) }),
  stage: async () => undefined,
  verify: async () => undefined,
  open: async () => ({
    run: async ({ params }) => {
      if (params.seconds) await sleep(params.seconds * 1000)
      return { epochs: 0, reason: 'completed', outputs: [] }
    },
    close: async () => undefined,
  }),
}
