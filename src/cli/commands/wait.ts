import type { CommandModule } from 'yargs'
import { setStatus } from '../status.js'

interface Args {
  exp: string
  every: number
}

export const wait: CommandModule<object, Args> = {
  command: 'wait <exp>',
  describe: 'wait for the jobs of an EXP on a batch site; exits as the sweep does',
  builder: y =>
    y
      .positional('exp', { type: 'string', demandOption: true, describe: 'EXP directory or name' })
      .option('every', { type: 'number', default: 10, describe: 'seconds between two looks' })
      .example('$0 wait out/EXP001', ''),
  handler: async args => {
    const { waitForJob } = await import('../job.js')
    setStatus(await waitForJob(args.exp, args.every))
  },
}
