import type { CommandModule } from 'yargs'

export const cancel: CommandModule<object, { exp: string }> = {
  command: 'cancel <exp>',
  describe: 'cancel the jobs of an EXP, or stop it where it runs without; what runs is saved',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .example('$0 cancel out/EXP001', ''),
  handler: async ({ exp }) => {
    const { cancelJobsOf } = await import('../job.js')
    await cancelJobsOf(exp)
  },
}
