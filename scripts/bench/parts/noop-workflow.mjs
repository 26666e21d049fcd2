// A workflow whose RUNs do nothing: what is left is the engine.
export const workflow = {
  name: 'noop',
  defaults: { seed: 0 },
  known: [],
  files: [],
  stageVersion: 1,
  chooseBackend: async () => ({ name: 'none', why: 'nothing to compute' }),
  inspect: async () => ({ notes: [], resolve: () => ({ resolved: {} }) }),
  stage: async () => undefined,
  verify: async () => undefined,
  open: async () => ({
    run: async () => ({ epochs: 0, reason: 'completed', outputs: [] }),
    close: async () => undefined,
  }),
}
